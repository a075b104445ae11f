//! What is seen while a run goes on: a line that says what happens, a bar where records are counted.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lockstep_core::report::{Event, Observer, Phase};

/// The progress display of one run.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A display; with `visible` false it shows nothing.
    pub(super) fn new(visible: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        bar.set_draw_target(if visible {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        if visible {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { bar }
    }

    /// Takes the display away, at the end of a run.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    /// Takes the display away while something else uses the terminal.
    pub(crate) fn pause<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        self.bar.suspend(meanwhile)
    }
}

impl Observer for Progress {
    fn event(&self, event: Event) {
        match event {
            Event::Phase(phase) => self.bar.set_message(text(phase)),
            Event::Progress { done, total } => {
                if self.bar.length() != Some(total as u64) {
                    let style = ProgressStyle::with_template("{spinner} {msg} [{bar:30}] {pos}/{len}");
                    self.bar.set_style(
                        style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "),
                    );
                    self.bar.set_length(total as u64);
                }
                self.bar.set_position(done as u64);
            }
        }
    }
}

fn text(phase: Phase) -> &'static str {
    match phase {
        Phase::Connecting => "connecting",
        Phase::Reading => "reading the instance",
        Phase::WritingFiles => "writing files",
        Phase::ApplyingSchema => "changing the schema",
        Phase::WritingRecords => "writing records",
        Phase::Recording => "recording what was written",
        Phase::Verifying => "comparing again",
    }
}
