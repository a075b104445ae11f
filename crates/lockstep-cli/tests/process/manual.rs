//! What the command line says of itself.

use crate::place::Place;

#[tokio::test]
async fn shells_get_completions() {
    let place = Place::new();
    for (shell, part) in
        [("bash", "complete -F _lockstep"), ("zsh", "#compdef lockstep"), ("fish", "complete -c lockstep")]
    {
        let ran = place.run(&["completions", shell]).await.exits(0);
        assert!(ran.stdout.contains(part), "{ran}");
        assert!(ran.stdout.contains("dump-path"), "{ran}");
    }
}

#[tokio::test]
async fn every_command_gets_a_man_page() {
    let place = Place::new();
    drop(place.run(&["man", "pages"]).await.exits(0));
    for name in ["lockstep", "lockstep-pull", "lockstep-state-link"] {
        let page = std::fs::read_to_string(place.cli.dir().join(format!("pages/{name}.1"))).unwrap();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
    }
}
