//! Lines that change in place, at the end of what is on the terminal. What is said meanwhile goes above them.
//!
//! It refuses to draw more lines than the terminal has and longer ones than it is wide, and looks anew each time, so that they
//! stay whole when the window changes. Without a terminal it draws nothing.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::console::Style;
use super::fit::{Size, cut, width};

/// How long lines stand that nothing has changed: what counts seconds is in them.
const TICK: Duration = Duration::from_millis(500);

/// How long they stand at least: many changes at once are drawn once.
const FRAME: Duration = Duration::from_millis(40);

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveLine {
    /// Without colours.
    pub(crate) text: String,
    /// The colour of all of it.
    pub(crate) style: Option<Style>,
}

/// What lines are drawn on.
pub(crate) trait Screen: Send {
    /// How large it is now.
    fn size(&self) -> Size;
    /// An error has nowhere to go.
    fn write(&mut self, text: &str);
}

/// Stderr.
struct Stderr;

impl Screen for Stderr {
    fn size(&self) -> Size {
        Size::of_stderr()
    }

    fn write(&mut self, text: &str) {
        use std::io::Write as _;
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

/// What the lines are, for a terminal of this size.
type Lines = Box<dyn Fn(Size) -> Vec<LiveLine> + Send>;

/// The lines of a terminal; clones are of the same.
#[derive(Clone)]
pub(crate) struct Live(Arc<Mutex<Region>>);

struct Region {
    screen: Option<Box<dyn Screen>>,
    colour: bool,
    lines: Option<Lines>,
    /// How wide each line is that stands there.
    drawn: Vec<usize>,
}

impl Live {
    /// On stderr, if that is a terminal.
    pub(crate) fn new(is_terminal: bool, colour: bool) -> Self {
        Self::on(is_terminal.then(|| Box::new(Stderr) as Box<dyn Screen>), colour)
    }

    fn on(screen: Option<Box<dyn Screen>>, colour: bool) -> Self {
        Self(Arc::new(Mutex::new(Region { screen, colour, lines: None, drawn: Vec::new() })))
    }

    /// Shows these lines until what it returns is dropped.
    pub(crate) fn show(&self, lines: impl Fn(Size) -> Vec<LiveLine> + Send + 'static) -> Showing {
        let (redraw, asked) = channel();
        {
            let mut region = self.region();
            if region.screen.is_none() {
                return Showing { live: self.clone(), redraw: None, ticker: None };
            }
            region.lines = Some(Box::new(lines));
            region.draw();
        }
        let live = self.clone();
        let ticker = std::thread::spawn(move || {
            while asked.recv_timeout(TICK) != Err(RecvTimeoutError::Disconnected) {
                live.region().draw();
                std::thread::sleep(FRAME);
                // All of them saw what was drawn last, or will see what is drawn next.
                while asked.try_recv().is_ok() {}
                live.region().draw();
            }
        });
        Showing { live: self.clone(), redraw: Some(redraw), ticker: Some(ticker) }
    }

    /// Says something above the lines.
    pub(crate) fn above<T>(&self, say: impl FnOnce() -> T) -> T {
        let mut region = self.region();
        region.erase();
        let said = say();
        region.draw();
        said
    }

    fn region(&self) -> MutexGuard<'_, Region> {
        // A thread that panicked while it drew has spoilt a line, which is drawn anew.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Region {
    /// How many lines of the terminal the drawn ones take: one that got narrower has broken them.
    fn height(&self, size: Size) -> usize {
        self.drawn.iter().map(|width| width.div_ceil(size.columns).max(1)).sum()
    }

    fn erase(&mut self) {
        let Some(screen) = &self.screen else { return };
        let height = self.height(screen.size());
        self.drawn.clear();
        if height > 0 {
            self.write(&format!("\r\u{1b}[{height}A\u{1b}[J"));
        }
    }

    fn draw(&mut self) {
        let (Some(screen), Some(lines)) = (&self.screen, &self.lines) else { return };
        let size = screen.size();
        let mut lines = lines(size);
        // The cursor stands in the line below the last. The first line of the terminal stays as it is: some keep what was on a
        // screen that is cleared from there.
        lines.drain(..lines.len().saturating_sub(size.rows.saturating_sub(2).max(1)));
        let height = self.height(size);
        let mut text = if height > 0 { format!("\r\u{1b}[{height}A") } else { String::new() };
        self.drawn.clear();
        for LiveLine { text: line, style } in lines {
            // A terminal may break a line that is as wide as itself.
            let line = cut(&line, size.columns.saturating_sub(1));
            self.drawn.push(width(&line));
            let line = style.filter(|_| self.colour).map_or(line.clone(), |style| style.paint(&line));
            text.push_str(&format!("{line}\u{1b}[K\n"));
        }
        text.push_str("\u{1b}[J");
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if let Some(screen) = &mut self.screen {
            screen.write(text);
        }
    }
}

/// Lines stand there as long as this lives.
pub(crate) struct Showing {
    live: Live,
    redraw: Option<Sender<()>>,
    ticker: Option<JoinHandle<()>>,
}

impl Showing {
    /// Has the lines drawn again soon.
    pub(crate) fn changed(&self) {
        if let Some(redraw) = &self.redraw {
            // The ticker lives until this is dropped.
            let _ = redraw.send(());
        }
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        let Some(ticker) = self.ticker.take() else { return };
        self.redraw = None;
        // Had it panicked, its lines would go all the same.
        let _ = ticker.join();
        let mut region = self.live.region();
        region.lines = None;
        region.erase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what is drawn, on a size that can be changed.
    #[derive(Clone)]
    struct Paper(Arc<Mutex<(Size, String)>>);

    impl Paper {
        fn taken(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap().1)
        }
    }

    impl Screen for Paper {
        fn size(&self) -> Size {
            self.0.lock().unwrap().0
        }
        fn write(&mut self, text: &str) {
            self.0.lock().unwrap().1.push_str(text);
        }
    }

    fn paper(columns: usize, rows: usize) -> (Paper, Live) {
        let paper = Paper(Arc::new(Mutex::new((Size { columns, rows }, String::new()))));
        let live = Live::on(Some(Box::new(paper.clone())), false);
        (paper, live)
    }

    fn line(text: &str) -> LiveLine {
        LiveLine { text: text.to_owned(), style: Some(Style::Now) }
    }

    #[test]
    fn what_is_said_stands_above_the_lines() {
        let (paper, live) = paper(60, 10);
        let mut region = live.region();
        region.lines = Some(Box::new(|_| vec![line("one"), line("two")]));
        region.draw();
        assert_eq!(paper.taken(), "one\u{1b}[K\ntwo\u{1b}[K\n\u{1b}[J");
        drop(region);
        let mut same = paper.clone();
        live.above(|| same.write("said\n"));
        assert_eq!(paper.taken(), "\r\u{1b}[2A\u{1b}[Jsaid\none\u{1b}[K\ntwo\u{1b}[K\n\u{1b}[J");
    }

    #[test]
    fn a_window_that_gets_smaller_leaves_nothing_behind() {
        let (paper, live) = paper(60, 10);
        let mut region = live.region();
        region.lines = Some(Box::new(|_| vec![line(&"x".repeat(50)), line("7 of 24 keys")]));
        region.draw();
        paper.taken();
        paper.0.lock().unwrap().0 = Size { columns: 20, rows: 2 };
        region.draw();
        // The long line has become three there, and only the last one fits now.
        assert_eq!(paper.taken(), "\r\u{1b}[4A7 of 24 keys\u{1b}[K\n\u{1b}[J");
    }

    #[test]
    fn lines_go_when_they_are_no_longer_shown_and_nothing_is_drawn_without_a_terminal() {
        let (paper, live) = paper(60, 10);
        drop(live.show(|_| vec![line("one")]));
        assert!(paper.taken().ends_with("\r\u{1b}[1A\u{1b}[J"));
        let nowhere = Live::new(false, false);
        let showing = nowhere.show(|_| panic!("there is nothing to draw on"));
        showing.changed();
        assert_eq!(nowhere.above(|| 7), 7);
    }
}
