//! What a doctor found.

use lockstep_core::checkup::{Check, Checkup, Verdict};

use super::printable::line;
use super::style::{BAD, BOLD, DIM, GOOD, HINT, WARN};
use super::{Output, print};
use crate::commands::Failure;

impl Output {
    /// What was looked at, a line each.
    pub(crate) fn examined(&self, checkup: &Checkup) -> Result<(), Failure> {
        if self.json {
            return self.document(checkup);
        }
        let mut text: String = checkup.checks.iter().map(told).collect();
        text += &match checkup.healthy {
            true => format!("{GOOD}Nothing stands in the way{GOOD:#}\n"),
            false => format!("{BAD}Something stands in the way{BAD:#}\n"),
        };
        print(&text)
    }
}

fn told(check: &Check) -> String {
    let mark = match check.verdict {
        Verdict::Good => format!("{GOOD}ok{GOOD:#}  "),
        Verdict::Note => format!("{WARN}note{WARN:#}"),
        Verdict::Bad => format!("{BAD}bad{BAD:#} "),
        Verdict::Skipped => format!("{DIM}-{DIM:#}   "),
    };
    let remedy = check
        .remedy
        .as_ref()
        .map(|remedy| format!("                  {HINT}hint{HINT:#}: {}\n", line(remedy)));
    format!("{mark}  {BOLD}{:<12}{BOLD:#}{}\n{}", check.name, line(&check.says), remedy.unwrap_or_default())
}
