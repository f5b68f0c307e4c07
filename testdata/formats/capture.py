#!/usr/bin/env python3
"""One small story of real BitTorrent clients, logged by many real servers at once. See README.md beside this file.

    python3 capture.py OUTPUT_FOLDER        # as root on Debian 12; touches nothing outside its own namespaces and folder
"""
import hashlib, http.server, json, os, pty, random, shutil, signal, socket, struct, subprocess, sys, threading, time, urllib.parse
from pathlib import Path

OUT = Path(sys.argv[1]).resolve()
LOGS, ETC, VAR = OUT / "logs", OUT / "etc", OUT / "var"
HOST, SEED = "tracker.example", "swarmtrail formats"
INTERVAL, MIN_INTERVAL, SIZE, PIECE = 20, 10, 6 << 20, 65536
KEYS = {u: hashlib.md5(f"{SEED} {u}".encode()).hexdigest() for u in ("alice", "bob", "carol", "dave", "eve")}
IPS = {"alice": "203.0.113.11", "bob": "203.0.113.12", "carol": "203.0.113.13", "dave": "203.0.113.14", "eve": "203.0.113.15"}
PORTS = {"alice": 51411, "bob": 51412, "carol": 51413, "dave": 51414, "eve": 51415}
CLIENTS = {"alice": ("transmission", "3.00"), "bob": ("qbittorrent", "4.5.2"), "carol": ("aria2", "1.36.0"),
           "dave": ("rtorrent", "0.9.8"), "eve": ("aria2", "1.36.0")}

if os.environ.get("IN_NAMESPACES") != "1":
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    sys.exit(subprocess.call(["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
                              sys.executable, *sys.argv], env={**os.environ, "IN_NAMESPACES": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}))

def sh(line, check=True):
    return subprocess.run(line, shell=True, check=check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL if not check else None)

def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path

def start(name, *argv, **more):
    err = open(VAR / f"{name}.out", "ab")
    return subprocess.Popen(list(map(str, argv)), stdin=more.pop("stdin", subprocess.DEVNULL), stdout=more.pop("stdout", err), stderr=err, **more)

# ---- a network of its own: the servers on 203.0.113.1 and loopback, each client in a namespace with its own address
for d in (LOGS, ETC, VAR):
    d.mkdir()
OUT.chmod(0o755)
hosts = write(ETC / "hosts", f"127.0.0.1 localhost\n203.0.113.1 {HOST}\n")
sh("hostname tracker; mount --make-rprivate /; mount -t tmpfs tmpfs /run; ip link set lo up; mkdir -p /run/lock")
sh(f"mount --bind {hosts} /etc/hosts; sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
sh("ip link add br0 type bridge; ip addr add 203.0.113.1/24 dev br0; ip link set br0 up")
for u, ip in IPS.items():
    sh(f"ip netns add {u}; ip link add v-{u} type veth peer name eth0 netns {u}; ip link set v-{u} master br0 up")
    sh(f"ip netns exec {u} sh -c 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set lo up; ip addr add {ip}/24 dev eth0; ip link set eth0 up'")

# ---- the torrent
content = random.Random(SEED).randbytes(SIZE)
pieces = b"".join(hashlib.sha1(content[i:i + PIECE]).digest() for i in range(0, SIZE, PIECE))
info = b"d6:lengthi%de4:name9:story.bin12:piece lengthi%de6:pieces%d:%s7:privatei1ee" % (SIZE, PIECE, len(pieces), pieces)
HASH = hashlib.sha1(info).digest()
for u in KEYS:
    url = f"http://{HOST}/{KEYS[u]}/announce".encode()
    (VAR / u).mkdir()
    (VAR / u / "story.torrent").write_bytes(b"d8:announce%d:%s4:info%se" % (len(url), url, info))
(VAR / "alice" / "story.bin").write_bytes(content)

# ---- the tracker at the end of the chain
class Tracker(http.server.BaseHTTPRequestHandler):
    protocol_version, peers, slow = "HTTP/1.1", {}, {}
    log = open(LOGS / "tracker.jsonl", "w", buffering=1)
    targets = open(VAR / "targets", "w", buffering=1)   # the raw request targets, to compare the logs with
    def log_message(self, *_): pass
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        t = time.time()
        path, _, query = self.path.partition("?")
        self.targets.write(self.requestline.split(" ")[1] + "\n")
        parts = path.split("/")
        if len(parts) != 3 or parts[2] not in ("announce", "scrape"):
            return self.answer(404, b"not found\n")
        user = next((u for u in KEYS if KEYS[u] == parts[1]), None)
        if user in (None, "eve"):
            return self.answer(403, b"d14:failure reason15:unknown passkeye")
        q = {}
        for pair in query.split("&"):
            k, _, v = pair.partition("=")
            q.setdefault(k, urllib.parse.unquote_to_bytes(v))
        ih = q.get("info_hash", b"")
        seeds = sum(1 for p in self.peers.values() if p[1] == 0)
        if parts[2] == "scrape":
            return self.answer(200, b"d5:filesd20:%sd8:completei%de10:downloadedi0e10:incompletei%deeee" % (ih, seeds, len(self.peers) - seeds))
        addr = self.headers.get("X-Forwarded-For", self.client_address[0]).split(",")[0].strip()
        event = q.get("event", b"").decode()
        self.log.write(json.dumps({"t": round(t, 3), "ev": {"": "update", "started": "start", "stopped": "stop", "completed": "complete"}.get(event, event),
            "addr": f"{addr}:{q['port'].decode()}", "ih": ih.hex(), "peer_id": q["peer_id"].hex(),
            **{k: q[k].decode() for k in ("uploaded", "downloaded", "left")}}, separators=(",", ":")) + "\n")
        key = (user, q["peer_id"])
        if event == "stopped":
            self.peers.pop(key, None)
        else:
            self.peers[key] = (socket.inet_aton(addr) + struct.pack(">H", int(q["port"])), int(q["left"]))
        time.sleep(self.slow.pop(user, 0))
        others = b"".join(p[0] for k, p in list(self.peers.items()) if k[0] != user)
        self.answer(200, b"d8:completei%de10:incompletei%de8:intervali%de12:min intervali%de5:peers%d:%se" % (
            seeds, len(self.peers) - seeds, INTERVAL, MIN_INTERVAL, len(others), others))

class Server(http.server.ThreadingHTTPServer):
    daemon_threads, allow_reuse_address = True, True

def tracker_up():
    global tracker
    tracker = Server(("127.0.0.1", 8020), Tracker)
    threading.Thread(target=tracker.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

def tracker_down():
    tracker.shutdown()
    tracker.server_close()

# ---- the chain: haproxy, haproxy, varnish, varnish, caddy, lighttpd, apache, tomcat, nginx, nginx, tracker
write(ETC / "rsyslog.conf", f'''
module(load="imudp")
module(load="imuxsock" SysSock.Use="off")
input(type="imudp" address="127.0.0.1" port="5140")
input(type="imuxsock" Socket="/run/dev-log")
if $programname == "nginx" then {{
  action(type="omfile" file="{LOGS}/nginx_syslog_rfc3164.log" template="RSYSLOG_TraditionalFileFormat")
  action(type="omfile" file="{LOGS}/nginx_syslog_rfc5424.log" template="RSYSLOG_SyslogProtocol23Format")
}}
if $programname == "haproxy" then {{
  action(type="omfile" file="{LOGS}/haproxy_syslog_rfc3164.log" template="RSYSLOG_TraditionalFileFormat")
  action(type="omfile" file="{LOGS}/haproxy_syslog_iso.log" template="RSYSLOG_FileFormat")
}}
''')
write(ETC / "haproxy1.cfg", '''
global
  log /run/dev-log local0 info
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend web
  bind 203.0.113.1:80
  log global
  option httplog
  option forwardfor
  default_backend next
backend next
  server second 127.0.0.1:8001 send-proxy-v2
''')
write(ETC / "haproxy2.cfg", '''
global
  log stdout format raw local0 info
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend web
  bind 127.0.0.1:8001 accept-proxy
  log global
  option httplog
  capture request header User-Agent len 64
  default_backend varnish
backend varnish
  server cache 127.0.0.1:8002
''')
for n, port in (("1", 8012), ("2", 8003)):
    write(ETC / f"varnish{n}.vcl", f'''vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_recv {{ return (pass); }}
''')
write(ETC / "Caddyfile", f'''{{
  admin off
}}
http://:8003 {{
  log {{
    output file {LOGS}/caddy.log
  }}
  reverse_proxy 127.0.0.1:8004 {{
    trusted_proxies private_ranges
  }}
}}
''')
write(ETC / "lighttpd.conf", f'''
server.modules = ("mod_accesslog", "mod_proxy")
server.document-root = "/var/www"
server.bind = "127.0.0.1"
server.port = 8004
server.http-parseopts = ("url-normalize" => "disable", "url-ctrls-reject" => "disable")
accesslog.filename = "{LOGS}/lighttpd.log"
proxy.server = ("" => (("host" => "127.0.0.1", "port" => 8005)))
''')
write(ETC / "apache2.conf", "".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n" for m in ("mpm_event", "authz_core", "proxy", "proxy_http")) + f'''
ServerRoot {VAR}
DefaultRuntimeDir /run
PidFile /run/apache2.pid
ServerName {HOST}
Listen 127.0.0.1:8005
User www-data
Group www-data
ErrorLog {VAR}/apache.err
# as in Debian's apache2.conf
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" vhost_combined
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %O" common
# what is written behind a proxy without mod_remoteip
LogFormat "%{{X-Forwarded-For}}i %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" proxied
CustomLog {LOGS}/apache_common.log common
CustomLog {LOGS}/apache_combined.log combined
CustomLog {LOGS}/apache_vhost_combined.log vhost_combined
CustomLog {LOGS}/apache_xff_first.log proxied
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:8006/ nocanon
''')
write(ETC / "tomcat/conf/server.xml", f'''<Server port="-1">
  <Service name="Catalina">
    <Connector address="127.0.0.1" port="8006" protocol="HTTP/1.1"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Host name="localhost" appBase="webapps">
        <Context path="" docBase="{ETC}/tomcat/webapps/ROOT"/>
        <Valve className="org.apache.catalina.valves.ExtendedAccessLogValve" directory="{LOGS}" prefix="tomcat_w3c" suffix=".log"
               rotatable="false" buffered="false"
               pattern="date time c-ip cs-method cs-uri-stem cs-uri-query sc-status bytes time-taken cs(User-Agent) cs(X-Forwarded-For)"/>
      </Host>
    </Engine>
  </Service>
</Server>
''')
write(ETC / "tomcat/webapps/ROOT/WEB-INF/web.xml", '''<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="5.0">
  <servlet><servlet-name>relay</servlet-name><servlet-class>Relay</servlet-class></servlet>
  <servlet-mapping><servlet-name>relay</servlet-name><url-pattern>/*</url-pattern></servlet-mapping>
</web-app>
''')
write(ETC / "tomcat/webapps/ROOT/WEB-INF/classes/Relay.java", '''import jakarta.servlet.http.*;
import java.io.*;
import java.net.*;
/** Tomcat has no proxy of its own: hands each request on as it came. */
public class Relay extends HttpServlet {
    protected void service(HttpServletRequest in, HttpServletResponse out) throws IOException {
        String query = in.getQueryString() == null ? "" : "?" + in.getQueryString();
        var next = (HttpURLConnection) new URL("http://127.0.0.1:8010" + in.getRequestURI() + query).openConnection();
        next.setInstanceFollowRedirects(false);
        for (var name : java.util.Collections.list(in.getHeaderNames()))
            next.setRequestProperty(name, in.getHeader(name));
        next.setRequestProperty("X-Forwarded-For", in.getHeader("X-Forwarded-For") + ", " + in.getRemoteAddr());
        out.setStatus(next.getResponseCode());
        out.setContentType(next.getContentType());
        InputStream body = next.getResponseCode() < 400 ? next.getInputStream() : next.getErrorStream();
        byte[] all = body == null ? new byte[0] : body.readAllBytes();
        out.setContentLength(all.length);
        out.getOutputStream().write(all);
    }
}
''')
write(ETC / "nginx.conf", f'''
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log {VAR}/nginx.err;
events {{}}
http {{
  log_format vhost '$host:$server_port $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                   '"$http_referer" "$http_user_agent"';
  log_format timed '$remote_addr - $remote_user [$time_iso8601] "$request" $status $body_bytes_sent $request_time '
                   '"$http_referer" "$http_user_agent"';
  # the `main` of the nginx.conf that nginx.org packages
  log_format main  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                   '"$http_referer" "$http_user_agent" "$http_x_forwarded_for"';
  log_format json escape=json '{{"time":"$time_iso8601","remote_addr":"$remote_addr","host":"$host","request_method":"$request_method",'
                   '"request_uri":"$request_uri","status":$status,"body_bytes_sent":$body_bytes_sent,"request_time":$request_time,'
                   '"http_referer":"$http_referer","http_user_agent":"$http_user_agent"}}';
  server {{                                   # knows the client's address by ngx_http_realip_module
    listen 127.0.0.1:8010;
    server_name {HOST};
    set_real_ip_from 127.0.0.0/8;
    real_ip_header X-Forwarded-For;
    real_ip_recursive on;
    access_log {LOGS}/nginx_combined.log;
    access_log {LOGS}/nginx_vhost.log vhost;
    access_log {LOGS}/nginx_timed.log timed;
    access_log {LOGS}/nginx_json.log json;
    access_log syslog:server=127.0.0.1:5140,tag=nginx;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    location / {{ proxy_pass http://127.0.0.1:8011; }}
  }}
  server {{                                   # knows the proxy before it only
    listen 127.0.0.1:8011;
    server_name {HOST};
    access_log {LOGS}/nginx_xff_last.log main;
    proxy_set_header Host $host;
    location / {{ proxy_pass http://127.0.0.1:8020; }}
  }}
}}
''')
sh(f"chmod 1777 {VAR} {LOGS}; mkdir -p {ETC}/tomcat/temp {ETC}/tomcat/logs")
sh(f"javac -cp /usr/share/tomcat10/lib/servlet-api.jar {ETC}/tomcat/webapps/ROOT/WEB-INF/classes/Relay.java")
tracker_up()
start("rsyslogd", "rsyslogd", "-n", "-f", ETC / "rsyslog.conf", "-i", "/run/rsyslogd.pid")
start("nginx", "nginx", "-c", ETC / "nginx.conf", "-g", "daemon off;", "-e", VAR / "nginx.err")
tomcat = "/usr/share/tomcat10"
start("tomcat", "java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-Dsun.net.http.allowRestrictedHeaders=true", f"-Dcatalina.home={tomcat}",
      f"-Dcatalina.base={ETC}/tomcat", f"-Djava.io.tmpdir={VAR}", "-cp", f"{tomcat}/bin/bootstrap.jar:{tomcat}/bin/tomcat-juli.jar",
      "org.apache.catalina.startup.Bootstrap", "start")
start("apache", "apache2", "-f", ETC / "apache2.conf", "-DFOREGROUND")
start("lighttpd", "lighttpd", "-D", "-f", ETC / "lighttpd.conf")
start("caddy", "caddy", "run", "--config", ETC / "Caddyfile", "--adapter", "caddyfile",
      env={**os.environ, "HOME": str(VAR), "XDG_DATA_HOME": str(VAR), "XDG_CONFIG_HOME": str(VAR)})
# the first cuts each field of its log at 255 bytes (its default), the second does not
for n, port, more in (("1", 8002, ()), ("2", 8012, ("-p", "vsl_reclen=4084"))):
    start(f"varnishd{n}", "varnishd", "-F", "-a", f"127.0.0.1:{port}", "-f", ETC / f"varnish{n}.vcl", "-n", f"/run/varnish{n}",
          "-s", "malloc,16m", "-j", "none", "-T", "none", *more)
start("haproxy2", "haproxy", "-db", "-f", ETC / "haproxy2.cfg", stdout=open(LOGS / "haproxy_stdout_ua.log", "ab"))

def ready(address, port):
    for _ in range(300):
        try:
            return socket.create_connection((address, port), 1).close()
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"nothing listens on {port}")
for port in (8011, 8010, 8006, 8005, 8004, 8003, 8012, 8002):
    ready("127.0.0.1", port)
start("varnishncsa1", "varnishncsa", "-n", "/run/varnish1", "-w", LOGS / "varnishncsa_cut.log")
start("varnishncsa2", "varnishncsa", "-n", "/run/varnish2", "-w", LOGS / "varnishncsa.log")
start("haproxy1", "haproxy", "-db", "-f", ETC / "haproxy1.cfg")
payload = "tcp dst port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)"
start("tcpdump", "tcpdump", "-i", "br0", "-l", "-A", "-n", "-s", "0", payload, stdout=open(LOGS / "tcpdump_ascii.log", "ab"))
start("ngrep", "ngrep", "-q", "-t", "-l", "-d", "br0", "-W", "byline", "^GET ", "tcp dst port 80", stdout=open(LOGS / "ngrep_byline.log", "ab"))
time.sleep(3)

# ---- the story
truth = open(LOGS / "truth.jsonl", "w", buffering=1)
def note(action, user=None, **more):
    t = time.time()
    row = {"t": round(t, 3), "iso": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)), "action": action}
    if user:
        row |= {"host": user, "client": CLIENTS[user][0], "version": CLIENTS[user][1], "user": user, "passkey": KEYS[user], "ip": IPS[user], "port": PORTS[user]}
    print(json.dumps(row | more), file=truth)
    print(row["iso"], action, user or "", flush=True)

TORRENT = {"info_hash": HASH.hex(), "name": "story.bin", "size": SIZE}
running = {}
def run(user, *argv, **more):
    running[user] = start(user, "ip", "netns", "exec", user, *argv, cwd=VAR / user, env={**os.environ, "HOME": str(VAR / user), "TERM": "xterm"}, **more)
def inside(user, *argv):
    return subprocess.run(["ip", "netns", "exec", user, *map(str, argv)], capture_output=True, text=True, timeout=20).stdout
def remote(*argv):
    return inside("alice", "transmission-remote", *argv)
def qbt(path, *fields):
    return inside("bob", "curl", "-s", f"http://127.0.0.1:8080/api/v2/{path}", *(x for f in fields for x in ("-F", f)))
def bob():
    return (json.loads(qbt("torrents/info") or "[]") or [{}])[0]
def aria2(user):
    run(user, "aria2c", "--dir=.", "--no-conf", "--enable-dht=false", "--enable-peer-exchange=false", "--bt-enable-lpd=false", "--seed-ratio=0.0", "--auto-save-interval=3",
        f"--listen-port={PORTS[user]}", "--max-overall-download-limit=64K", "--summary-interval=0", "--file-allocation=none", "story.torrent")
def have(user):
    f = VAR / user / "story.bin"
    return f.stat().st_blocks * 512 if f.exists() else 0
def until(condition, limit):
    end = time.time() + limit
    while not condition() and time.time() < end:
        time.sleep(0.5)
    if not condition():
        note("condition_timed_out")

note("scenario", desc="Alice seeds; bob pauses and resumes, carol is killed and comes back, dave leaves as a seed; eve's passkey is refused; "
     "one slow answer; the tracker is down for a while; all leave properly.")
note("tracker_up", interval=INTERVAL, min_interval=MIN_INTERVAL)
write(VAR / "alice/conf/settings.json", json.dumps({"download-dir": str(VAR / "alice"), "incomplete-dir-enabled": False, "dht-enabled": False, "pex-enabled": False,
    "lpd-enabled": False, "utp-enabled": False, "peer-port": PORTS["alice"], "rpc-whitelist-enabled": False, "speed-limit-up": 128, "speed-limit-up-enabled": True,
    "port-forwarding-enabled": False, "rename-partial-files": False}))
note("started_program", "alice")
run("alice", "transmission-daemon", "-f", "-g", VAR / "alice/conf")
time.sleep(2)
note("added", "alice", **TORRENT, have="all")
remote("-a", VAR / "alice/story.torrent")
time.sleep(5)

write(VAR / "bob/qBittorrent/config/qBittorrent.conf", f"""[LegalNotice]
Accepted=true
[BitTorrent]
Session\\Port={PORTS['bob']}
Session\\DHTEnabled=false
Session\\PeXEnabled=false
Session\\LSDEnabled=false
Session\\DefaultSavePath={VAR}/bob
Session\\GlobalDLSpeedLimit=64
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\\LocalHostAuth=false
WebUI\\Port=8080
""")
note("started_program", "bob")
run("bob", "qbittorrent-nox", f"--profile={VAR}/bob")
time.sleep(4)
note("added", "bob", **TORRENT, have="nothing")
qbt("torrents/add", f"torrents=@{VAR}/bob/story.torrent")
time.sleep(4)

note("started_program", "carol", **TORRENT, have="nothing")
aria2("carol")
time.sleep(4)

note("started_program", "dave", **TORRENT, have="nothing")
master, slave = pty.openpty()
run("dave", "rtorrent", "-n", "-o", f"network.port_range.set={PORTS['dave']}-{PORTS['dave']},throttle.global_down.max_rate.set_kb=64,trackers.use_udp.set=no,protocol.pex.set=no",
    "-d", ".", "story.torrent", stdin=slave, stdout=slave)
threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(master, 4096), b"")], daemon=True).start()
time.sleep(5)

note("noise", what="GET / and a TLS hello on the plain port")
inside("eve", "curl", "-s", "-A", "Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", f"http://{HOST}/")
inside("eve", "curl", "-sk", f"https://{HOST}:80/")
note("started_program", "eve", **TORRENT, have="nothing")
aria2("eve")
time.sleep(3)
note("quit_begin", "eve")
running["eve"].send_signal(signal.SIGINT)
running["eve"].wait()
note("quit_done", "eve")

until(lambda: bob().get("progress", 0) > 0.3, 90)
note("paused", "bob", client_reported={k: bob().get(k) for k in ("uploaded", "downloaded", "amount_left")})
qbt("torrents/pause", "hashes=all")

until(lambda: have("carol") > 0.4 * SIZE, 90)
note("killed_SIGKILL", "carol")
running["carol"].kill()
running["carol"].wait()

time.sleep(12)
note("slow_answer", "alice", seconds=4)
Tracker.slow["alice"] = 4
note("force_reannounce", "alice")
remote("-t", "1", "--reannounce")
time.sleep(1.5)
note("resumed", "bob", client_reported={k: bob().get(k) for k in ("uploaded", "downloaded", "amount_left")})
qbt("torrents/resume", "hashes=all")
time.sleep(12)
note("restarted", "carol")
aria2("carol")

until(lambda: bob().get("progress") == 1, 150)
note("finished_download", "bob")
until(lambda: not (VAR / "carol/story.bin.aria2").exists() or have("carol") >= SIZE, 120)
note("finished_download", "carol")
until(lambda: have("dave") >= SIZE, 60)
note("finished_download", "dave")
time.sleep(8)

note("tracker_down")
tracker_down()
time.sleep(2)
note("force_reannounce", "bob")
qbt("torrents/reannounce", "hashes=all")
note("force_reannounce", "alice")
remote("-t", "1", "--reannounce")
time.sleep(22)
note("tracker_up_again")
tracker_up()
time.sleep(2)
note("force_reannounce", "bob")
qbt("torrents/reannounce", "hashes=all")
time.sleep(22)

for user, leave in (("carol", lambda: running["carol"].send_signal(signal.SIGINT)), ("dave", lambda: running["dave"].send_signal(signal.SIGINT)),
                    ("bob", lambda: qbt("app/shutdown", "x=1")), ("alice", lambda: remote("--exit"))):
    counters = {k: bob().get(k) for k in ("uploaded", "downloaded", "amount_left")} if user == "bob" else None
    note("quit_begin", user, **({"client_reported": counters} if counters else {}))
    leave()
    try:
        running[user].wait(30)
        note("quit_done", user)
    except subprocess.TimeoutExpired:
        note("quit_took_too_long_sigkill", user)
        running[user].kill()
    time.sleep(2)
note("end")
for user in KEYS:
    if (VAR / user / "story.bin").exists():
        print(user, "has all" if (VAR / user / "story.bin").read_bytes() == content else "has not all")
time.sleep(3)
sh(f"chmod a+r {LOGS}/*")
