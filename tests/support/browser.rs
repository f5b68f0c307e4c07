//! Debian's chromium without a window, driven over the DevTools protocol.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tungstenite::{Message, WebSocket};

/// A browser with one page, and all that it said.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: String,
    calls: u64,
    /// Exceptions, messages on the console, what the policy forbade, dialogs.
    pub complaints: Vec<String>,
    /// Addresses that were asked for, over whatever protocol.
    pub requests: Vec<String>,
    _profile: tempfile::TempDir,
}

/// A browser; `None` where there is none and nobody insists. Where the project is checked as a whole, it must be there.
pub fn browser() -> Option<Browser> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok());
    let Some(name) = found else {
        assert!(std::env::var_os("SWARMTRAIL_CI").is_none(), "there is no chromium: apt-get install chromium");
        // Not with a macro: what those print is only seen if the test fails.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: THE PAGE IS NOT TESTED, since there is no chromium\n");
        return None;
    };
    Some(Browser::start(name))
}

impl Browser {
    fn start(name: &str) -> Browser {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(name)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--lang=en"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "--force-device-scale-factor=1"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        let mut address = String::new();
        loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).expect("the browser talks") > 0, "the browser ended");
            if let Some(found) = line.trim().strip_prefix("DevTools listening on ") {
                address = found.to_string();
                break;
            }
            address.clear();
        }
        // It blocks if nobody listens to it.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let host = address.trim_start_matches("ws://").split('/').next().expect("a host").to_string();
        let stream = TcpStream::connect(host).expect("the browser listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
        let (socket, _) = tungstenite::client(&address, stream).expect("a web socket");
        let (complaints, requests) = (Vec::new(), Vec::new());
        let mut browser =
            Browser { child, socket, session: String::new(), calls: 0, complaints, requests, _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached =
            browser.call("Target.attachToTarget", json!({ "targetId": target["targetId"], "flatten": true }));
        browser.session = attached["sessionId"].as_str().expect("a session").to_string();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.window(1280, 900);
        browser
    }

    /// Calls a method of the protocol.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(message.to_string())).expect("the browser hears");
        loop {
            let message = self.next();
            if message["id"] == json!(id) {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn next(&mut self) -> Value {
        let text = loop {
            if let Message::Text(text) = self.socket.read().expect("the browser answers") {
                break text;
            }
        };
        let message: Value = serde_json::from_str(&text).expect("JSON");
        let params = &message["params"];
        match message["method"].as_str().unwrap_or("") {
            "Runtime.exceptionThrown" => self.complaints.push(params["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" | "Log.entryAdded" | "Page.javascriptDialogOpening" => {
                self.complaints.push(params.to_string());
            }
            "Network.requestWillBeSent" => {
                self.requests.push(params["request"]["url"].as_str().unwrap_or("").to_string());
            }
            _ => {}
        }
        message
    }

    fn wait_for(&mut self, event: &str) {
        while self.next()["method"] != event {}
    }

    /// Opens a file, at a place in it.
    pub fn open(&mut self, file: &Path, place: &str) {
        let url = format!("file://{}{place}", file.display());
        self.call("Page.navigate", json!({ "url": "about:blank" }));
        self.wait_for("Page.loadEventFired");
        self.complaints.clear();
        self.requests.clear();
        self.call("Page.navigate", json!({ "url": url }));
        self.wait_for("Page.loadEventFired");
    }

    /// The value of an expression in the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// The text of the first element that a selector finds.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.eval(&format!(
            "(() => {{ const part = document.querySelector({}); return part.innerText ?? part.textContent; }})()",
            json!(selector)
        ));
        text.as_str().expect("text").to_string()
    }

    /// Whether the first element that a selector finds is to be seen.
    pub fn sees(&mut self, selector: &str) -> bool {
        self.eval(&format!("document.querySelector({})?.checkVisibility() ?? false", json!(selector))) == json!(true)
    }

    /// Where the middle of an element is, once it has been scrolled to, and how wide it is.
    fn place(&mut self, selector: &str) -> (f64, f64, f64) {
        let place = self.eval(&format!(
            "(() => {{ const part = document.querySelector({}); part.scrollIntoView({{ block: 'center' }});
               const box = part.getBoundingClientRect();
               return [box.left + box.width / 2, box.top + box.height / 2, box.width]; }})()",
            json!(selector)
        ));
        let number = |at: usize| place[at].as_f64().expect("a number");
        (number(0), number(1), number(2))
    }

    fn mouse(&mut self, kind: &str, x: f64, y: f64, pressed: bool) {
        let button = if kind == "mouseMoved" && !pressed { "none" } else { "left" };
        let params =
            json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": i32::from(pressed), "clickCount": 1 });
        self.call("Input.dispatchMouseEvent", params);
    }

    /// Clicks on an element, and waits until the page has drawn what came of it.
    pub fn click(&mut self, selector: &str) {
        let (x, y, _) = self.place(selector);
        self.mouse("mouseMoved", x, y, false);
        self.mouse("mousePressed", x, y, true);
        self.mouse("mouseReleased", x, y, false);
        self.settle();
    }

    /// Points at an element, so far from its left as a part of its width.
    pub fn point(&mut self, selector: &str, part: f64) {
        let (x, y, width) = self.place(selector);
        self.mouse("mouseMoved", x + (part - 0.5) * width, y, false);
        self.settle();
    }

    /// Drags over an element, from one part of its width to another.
    pub fn drag(&mut self, selector: &str, from: f64, to: f64) {
        let (x, y, width) = self.place(selector);
        let at = |part: f64| x + (part - 0.5) * width;
        self.mouse("mouseMoved", at(from), y, false);
        self.mouse("mousePressed", at(from), y, true);
        self.mouse("mouseMoved", at((from + to) / 2.0), y, true);
        self.mouse("mouseMoved", at(to), y, true);
        self.mouse("mouseReleased", at(to), y, false);
        self.settle();
    }

    /// Presses a key.
    pub fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({ "type": kind, "key": key, "code": key }));
        }
        self.settle();
    }

    /// Types into what has the focus.
    pub fn write(&mut self, text: &str) {
        self.call("Input.insertText", json!({ "text": text }));
        self.settle();
    }

    fn settle(&mut self) {
        self.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 30)))");
    }

    /// Sets the size of the window.
    pub fn window(&mut self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", params);
    }

    /// What the system prefers: `light` or `dark`.
    pub fn prefers(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// A picture of what is to be seen, as PNG in base64.
    pub fn picture(&mut self) -> String {
        self.settle();
        let picture = self.call("Page.captureScreenshot", json!({ "format": "png" }));
        picture["data"].as_str().expect("a picture").to_string()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
