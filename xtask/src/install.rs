//! Installing npm packages, told about: the first time takes minutes.

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use lockstep_testkit::Error;
use lockstep_testkit::cache::Cache;
use lockstep_testkit::npm::Package;

/// Installs what is missing, two at a time: npm waits for the network about as long as a compiler needs a processor.
///
/// # Errors
/// The first failure; what was begun is finished, the rest is not begun.
pub(crate) fn install(cache: &Cache, packages: &[Package]) -> Result<(), Error> {
    let missing = packages.iter().filter(|package| !package.is_installed(cache));
    let queue = Mutex::new(missing);
    let next = || queue.lock().ok()?.next();
    let worker = || std::iter::from_fn(next).try_for_each(|package| install_one(cache, package));
    thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn install_one(cache: &Cache, package: &Package) -> Result<(), Error> {
    eprintln!(
        "installing {package}, which can take minutes; its output is in {}",
        package.log(cache).display()
    );
    let start = Instant::now();
    package.ensure(cache)?;
    eprintln!("installed {package} in {} s", start.elapsed().as_secs());
    Ok(())
}
