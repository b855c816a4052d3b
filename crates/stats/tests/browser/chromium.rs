//! A Chromium without a window, told what to do over its DevTools protocol (chromedevtools.github.io/devtools-protocol).
//!
//! `--remote-debugging-pipe` makes it read messages from descriptor 3 and write them to 4, each a JSON text that ends with a zero byte:
//! no port, no driver in between. Each command is answered when it is done, so that nothing has to wait for a time.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// The browser that all tests of a program use, one after the other: several at once would take turns on few cores, and each start and end
/// takes a second. It ends by itself when its pipe is closed, that is with the program.
static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);

/// When Chromium has not answered for so long it is taken for dead, s.
const PATIENCE: u64 = 120;

/// A browser's processes, a group of their own. They end when the pipe is closed, and what they wrote is removed then.
struct Engine {
    child: Child,
    commands: ChildStdin,
    answers: Receiver<Value>,
    last: u64,
    profile: PathBuf,
}

/// A tab of its own in a browser, which shares nothing with those that were there before.
pub(crate) struct Chromium {
    engine: MutexGuard<'static, Option<Engine>>,
    context: Value,
    events: Vec<Value>,
    session: Option<String>,
    scripts: bool,
}

/// The program, or `None` and a line that says why the test cannot run here.
fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("chromium")).find(|program| program.is_file());
    if found.is_none() {
        let required = std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_some_and(|value| value == "1");
        assert!(!required, "this test needs chromium, and TAILBED_REQUIRE_HOST_TESTS=1 does not let it be skipped");
        println!("skipped: needs chromium");
    }
    found
}

impl Engine {
    /// Starts one with an empty profile.
    fn start(program: PathBuf) -> Self {
        let profile = tempfile::tempdir().unwrap().keep();
        // a root's browser has no sandbox to give itself; everything else keeps it from looking around, and from giving up on itself where
        // the machine is busy
        let mut shell = Command::new("sh");
        let line = "\"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1; rm -rf \"$HOME\"";
        shell.args(["-c", line, "sh"]).arg(program).args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-gpu-watchdog",
            "--disable-hang-monitor",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-color-profile=srgb",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ]);
        shell.arg(format!("--user-data-dir={}", profile.display())).arg("about:blank");
        shell.env("HOME", &profile).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            loop {
                let mut message = Vec::new();
                if output.read_until(0, &mut message).unwrap_or(0) == 0 || message.pop() != Some(0) {
                    return;
                }
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let commands = child.stdin.take().unwrap();
        Self { child, commands, answers, last: 0, profile }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // one that does not answer may not end by itself either
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

impl Chromium {
    /// Opens a tab; `None` where there is no browser.
    pub(crate) fn start() -> Option<Self> {
        let program = program()?;
        let mut engine = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
        engine.get_or_insert_with(|| Engine::start(program));
        let mut browser = Self { engine, context: Value::Null, events: Vec::new(), session: None, scripts: true };
        browser.context = browser.ask("Target.createBrowserContext", json!({}))["browserContextId"].take();
        let place = json!({ "url": "about:blank", "browserContextId": browser.context });
        let tab = browser.ask("Target.createTarget", place);
        let session = browser.ask("Target.attachToTarget", json!({ "targetId": tab["targetId"], "flatten": true }));
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network", "DOM"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("it was started")
    }

    /// Gives a command and waits until it is done.
    pub(crate) fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.engine().last += 1;
        let last = self.engine().last;
        let mut message = json!({ "id": last, "method": method });
        message["params"] = parameters;
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.engine().commands.write_all(&bytes).unwrap();
        loop {
            let mut answer = self.receive(method);
            if answer["id"] == last {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    fn receive(&mut self, during: &str) -> Value {
        let answer = self.engine().answers.recv_timeout(Duration::from_secs(PATIENCE));
        answer.unwrap_or_else(|error| panic!("chromium does not answer during {during}: {error}"))
    }

    /// Waits until something has happened that has not been asked for yet.
    fn happened(&mut self, method: &str) {
        while !self.events.iter().any(|event| event["method"] == method) {
            let event = self.receive(method);
            self.events.push(event);
        }
    }

    /// Opens a file and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &std::path::Path) {
        self.events.clear();
        let gone = self.ask("Page.navigate", json!({ "url": format!("file://{}", file.display()) }));
        assert!(gone["errorText"].is_null(), "{gone}");
        self.happened("Page.loadEventFired");
    }

    /// The value of an expression of the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let mut answer =
            self.ask("Runtime.evaluate", json!({ "expression": expression, "returnByValue": true, "awaitPromise": true }));
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// The text of an expression.
    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Whether an expression is true.
    pub(crate) fn is(&mut self, expression: &str) -> bool {
        self.value(expression) == json!(true)
    }

    /// Presses a key, named as in UI Events KeyboardEvent key Values; with Shift held where `shift` says so.
    pub(crate) fn press(&mut self, key: &str, shift: bool) {
        let (code, text) = match key {
            "Tab" => (9, None),
            "Enter" => (13, Some("\r")),
            "Escape" => (27, None),
            " " => (32, Some(" ")),
            "ArrowLeft" => (37, None),
            "ArrowUp" => (38, None),
            "ArrowRight" => (39, None),
            "ArrowDown" => (40, None),
            key if key.chars().count() == 1 => (i32::from(key.as_bytes()[0].to_ascii_uppercase()), Some(key)),
            key => panic!("no code is known for the key {key}"),
        };
        let modifiers = if shift { 8 } else { 0 };
        let mut down = json!({ "type": if text.is_some() { "keyDown" } else { "rawKeyDown" }, "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers });
        if let Some(text) = text {
            down["text"] = json!(text);
        }
        self.ask("Input.dispatchKeyEvent", down);
        self.ask(
            "Input.dispatchKeyEvent",
            json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers }),
        );
        self.settle();
    }

    /// Moves, presses or releases the mouse: `mouseMoved`, `mousePressed`, `mouseReleased`, in CSS pixels of the window.
    pub(crate) fn mouse(&mut self, kind: &str, (x, y): (f64, f64), held: bool) {
        let button = if kind == "mouseMoved" && !held { "none" } else { "left" };
        let buttons = i32::from(held || kind == "mousePressed");
        self.ask(
            "Input.dispatchMouseEvent",
            json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": 1 }),
        );
        self.settle();
    }

    /// Presses and releases on the middle of the first element that a selector finds, which is scrolled into view.
    pub(crate) fn click(&mut self, selector: &str) {
        let at = self.middle(selector);
        self.mouse("mouseMoved", at, false);
        self.mouse("mousePressed", at, false);
        self.mouse("mouseReleased", at, false);
    }

    /// The middle of an element after it was scrolled into view, CSS pixels of the window.
    pub(crate) fn middle(&mut self, selector: &str) -> (f64, f64) {
        let quoted = json!(selector);
        let found = self.value(&format!(
            "(() => {{ const e = document.querySelector({quoted}); if (!e) return null; e.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; }})()"
        ));
        assert!(found.is_array(), "nothing on the page is {selector}");
        (found[0].as_f64().unwrap(), found[1].as_f64().unwrap())
    }

    /// From now on pages run no scripts of their own.
    pub(crate) fn without_scripts(&mut self) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        self.scripts = false;
    }

    /// Waits until the page has been drawn twice: handlers that were put off until the next frame or task have run. Without scripts there
    /// are none.
    pub(crate) fn settle(&mut self) {
        if !self.scripts {
            return;
        }
        self.value("new Promise(done => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(() => done(true)))))");
    }

    /// Gives the window a size, CSS pixels.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size);
    }

    /// Prefers light or dark.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features =
            json!([{ "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.ask("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// What the console and the policies had to complain about since the page was opened, and every address that was asked for besides it.
    pub(crate) fn complaints(&mut self) -> Vec<String> {
        self.settle();
        let mut found = Vec::new();
        for event in &self.events {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => found.push(parameters["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" => found.push(parameters["args"].to_string()),
                "Log.entryAdded" => found.push(parameters["entry"]["text"].to_string()),
                "Network.requestWillBeSent" if parameters["type"] != "Document" => {
                    found.push(parameters["request"]["url"].to_string());
                }
                _ => {}
            }
        }
        found
    }

    /// The whole page as a PNG file; at most so many pixels high.
    pub(crate) fn screenshot(&mut self, file: &std::path::Path, from: f64, height: f64) {
        let width = self.value("document.documentElement.clientWidth");
        let clip = json!({ "x": 0, "y": from, "width": width, "height": height, "scale": 1 });
        let taken = self.ask("Page.captureScreenshot", json!({ "format": "png", "captureBeyondViewport": true, "clip": clip }));
        std::fs::write(file, decoded(taken["data"].as_str().unwrap())).unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // whatever it was doing, the next test gets one that was not
            *self.engine = None;
        } else {
            self.session = None;
            let context = self.context.take();
            self.ask("Target.disposeBrowserContext", json!({ "browserContextId": context }));
        }
    }
}

/// Base 64 (RFC 4648, section 4).
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut buffer, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|known| *known == digit).unwrap();
        buffer = (buffer << 6) | u32::try_from(value).unwrap();
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((buffer >> bits) & 0xff).unwrap());
        }
    }
    bytes
}
