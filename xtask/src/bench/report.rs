//! The result as Markdown that reads well in a terminal too.

use std::fmt::Write;

use super::measure::Run;

/// What Lockstep is to reach.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Goal {
    /// Times faster than the peer.
    pub(super) faster: Option<f64>,
    /// At most so many requests.
    pub(super) requests: Option<usize>,
    /// Less memory than this.
    pub(super) megabytes: Option<f64>,
    /// Less time than this.
    pub(super) seconds: Option<f64>,
}

/// One thing that both do.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) ours: Run,
    pub(super) peer: Option<Run>,
    pub(super) goal: Goal,
}

/// What is compared with one peer.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) peer: &'static str,
    pub(super) rows: Vec<Row>,
}

/// The whole document.
pub(super) fn render(tables: &[Table], machine: &str, scale: f64) -> String {
    let mut text = format!(
        "# Benchmarks\n\n\
         Made by `cargo xtask bench --write`: Lockstep and the tools that teams use today do the same work on the same \
         data in the\nsame run. Peers are run unchanged from npm, and their requests counted in the server's own log, \
         as Lockstep's are. Memory\nis the peak of the process. What is quick is run several times, and the median \
         counts.\n\n\
         Measured on: {machine}.\n"
    );
    if (scale - 1.0).abs() > f64::EPSILON {
        let _ = write!(text, "\n**At scale {scale}: the targets are about 1.0.**\n");
    }
    for table in tables {
        let _ = write!(text, "\n## {}\n\n{}", table.title, lines(&table.cells()));
    }
    text
}

impl Table {
    fn cells(&self) -> Vec<Vec<String>> {
        let head = if self.has_peer() {
            let peer = |what: &str| format!("{}: {what}", self.peer);
            vec![
                "".into(),
                "lockstep: time".into(),
                "requests".into(),
                "memory".into(),
                peer("time"),
                "requests".into(),
                "memory".into(),
                "faster".into(),
                "to reach".into(),
                "reached".into(),
            ]
        } else {
            ["", "lockstep: time", "requests", "memory", "to reach", "reached"].map(str::to_owned).to_vec()
        };
        std::iter::once(head).chain(self.rows.iter().map(|row| row.cells(self.has_peer()))).collect()
    }

    fn has_peer(&self) -> bool {
        self.rows.iter().any(|row| row.peer.is_some())
    }
}

impl Row {
    fn cells(&self, with_peer: bool) -> Vec<String> {
        let mut cells = vec![self.what.to_owned()];
        cells.extend(figures(Some(self.ours)));
        if with_peer {
            cells.extend(figures(self.peer));
            cells.push(self.faster().map_or_else(|| "–".to_owned(), times));
        }
        cells.push(self.goals().into_iter().map(|(goal, _)| goal).collect::<Vec<_>>().join(", "));
        cells.push(self.verdict());
        cells
    }

    fn faster(&self) -> Option<f64> {
        self.peer.map(|peer| peer.seconds / self.ours.seconds)
    }

    /// What is to be reached, and whether it is; `None` when that takes a peer that was not measured.
    fn goals(&self) -> Vec<(String, Option<bool>)> {
        let Goal { faster, requests, megabytes, seconds } = self.goal;
        let faster = faster.map(|goal| (times(goal), self.faster().map(|faster| faster >= goal)));
        let requests =
            requests.map(|goal| (format!("{} requests", thousands(goal)), Some(self.ours.requests <= goal)));
        let memory = megabytes.map(|goal| (format!("{goal:.0} MB"), Some(self.ours.megabytes < goal)));
        let seconds = seconds.map(|goal| (time(goal), Some(self.ours.seconds < goal)));
        [faster, requests, memory, seconds].into_iter().flatten().collect()
    }

    fn verdict(&self) -> String {
        let goals = self.goals();
        let missed: Vec<_> = goals
            .iter()
            .filter(|(_, reached)| *reached == Some(false))
            .map(|(goal, _)| goal.as_str())
            .collect();
        match (missed.is_empty(), goals.iter().any(|(_, reached)| reached.is_none())) {
            (false, _) => format!("no: {}", missed.join(", ")),
            (true, true) => "yes, as far as measured".to_owned(),
            (true, false) => "yes".to_owned(),
        }
    }
}

fn figures(run: Option<Run>) -> [String; 3] {
    let none = || "–".to_owned();
    let Some(Run { seconds, requests, megabytes }) = run else { return [none(), none(), none()] };
    // A program that only starts asks nothing, and is gone before its memory can be looked at.
    let requests = if requests > 0 { thousands(requests) } else { none() };
    [time(seconds), requests, if megabytes >= 1.0 { format!("{megabytes:.0} MB") } else { none() }]
}

fn time(seconds: f64) -> String {
    match seconds {
        ..0.1 => format!("{:.1} ms", seconds * 1000.0),
        0.1..10.0 => format!("{seconds:.2} s"),
        10.0..100.0 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

fn times(factor: f64) -> String {
    if factor < 10.0 { format!("{factor:.1}x") } else { format!("{factor:.0}x") }
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> =
        digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

/// A Markdown table with columns as wide as they must be.
fn lines(cells: &[Vec<String>]) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &[String]| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let (head, rows) =
        cells.split_first().map_or((&[] as &[String], &[] as &[Vec<String>]), |(head, rows)| (head, rows));
    line(head) + &line(&rule) + &rows.iter().map(|row| line(row)).collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seconds: f64, peer: Option<f64>) -> Row {
        let run = |seconds| Run { seconds, requests: 1234, megabytes: 20.0 };
        let goal = Goal { faster: Some(25.0), requests: Some(20), megabytes: Some(100.0), seconds: None };
        Row { what: "pull", ours: run(seconds), peer: peer.map(run), goal }
    }

    #[test]
    fn a_table_says_what_is_reached_and_what_is_not() {
        let table = Table { title: "T".into(), peer: "peer", rows: vec![row(1.0, Some(26.0))] };
        let text = render(&[table], "2 processors", 1.0);
        let line = text.lines().last().unwrap();
        assert_eq!(
            line.split('|').map(str::trim).collect::<Vec<_>>(),
            [
                "",
                "pull",
                "1.00 s",
                "1,234",
                "20 MB",
                "26.0 s",
                "1,234",
                "20 MB",
                "26x",
                "25x, 20 requests, 100 MB",
                "no: 20 requests",
                "",
            ]
        );
    }

    #[test]
    fn without_a_peer_nothing_is_said_about_it() {
        let mut row = row(1.0, None);
        row.goal.requests = None;
        assert_eq!(row.verdict(), "yes, as far as measured");
        let table = Table { title: "T".into(), peer: "peer", rows: vec![row] };
        assert!(!render(&[table], "2 processors", 0.05).contains("peer:"));
    }

    #[test]
    fn figures_are_as_long_as_they_are_telling() {
        assert_eq!([0.0034, 0.31, 26.2, 487.3].map(time), ["3.4 ms", "0.31 s", "26.2 s", "487 s"]);
        assert_eq!([12, 999, 51_000].map(thousands), ["12", "999", "51,000"]);
        assert_eq!([1.3, 31.2].map(times), ["1.3x", "31x"]);
    }
}
