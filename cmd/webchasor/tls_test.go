package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

const (
	msgCertificate  = "certificate in use"
	msgCertRejected = "certificates rejected; the old ones serve on"
)

// TestTLSCertificateByName: each client gets the certificate for the name it asks
// for, the first one when there is none.
func TestTLSCertificateByName(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	dir := t.TempDir()
	b := a.issue("b.test")
	b.put(t, dir, "b")
	config := "tls:\n  certificates:\n    - cert: b.crt\n      key: b.key\n"
	_, addr := startTLS(t, a, testproc.Options{Dir: dir, Config: config})
	first := serialOf(t, addr, a.client("a.test"))
	if got := serialOf(t, addr, a.client("b.test")); got != b.serial {
		t.Errorf("b.test has the certificate %s, want %s", got, b.serial)
	}
	if got := serialOf(t, addr, &tls.Config{InsecureSkipVerify: true, ServerName: "c.test"}); got != first {
		t.Errorf("an unknown name has the certificate %s, want the first, %s", got, first)
	}
	client := testproc.Client{Addr: addr, TLS: a.client("a.test")}
	defer client.Close()
	expectOK(t, client.Get("/pid"))
	expectOK(t, client.Post("/body", strings.Repeat("x", 100<<10)))
	if s := client.Session(); s.Version != tls.VersionTLS13 {
		t.Errorf("TLS version %x", s.Version)
	}
	old := a.client("a.test")
	old.MaxVersion = tls.VersionTLS11
	rejected(t, addr, old, "with TLS 1.1")
}

// TestTLSRotation: under load the files change, as Kubernetes swaps a Secret; a
// connection that is open stays, new ones get the new certificate, nothing fails.
func TestTLSRotation(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	swapSecret(t, secret, a.issue("a.test"))
	p, addr := startTLS(t, a, testproc.Options{Dir: dir, Env: []string{"TLS_CERT=secret/tls.crt", "TLS_KEY=secret/tls.key"}})
	workers := p.WaitWorkers(2)
	kept := testproc.Client{Addr: addr, TLS: a.client("a.test")}
	defer kept.Close()
	expectOK(t, kept.Get("/pid"))
	load := testproc.StartLoad(t, testproc.Load{Addr: addr, TLS: a.client("a.test"), Busy: 2, Connecting: 2, Pace: 2 * time.Millisecond})
	for range 3 {
		next := a.issue("a.test")
		mark := p.Log.Mark()
		swapSecret(t, secret, next)
		line := p.WaitLog(mark, testproc.Msg(msgCertificate), "the new certificate is in use")
		if line.Str("serial") != next.serial || line.Str("subject") != "a.test" {
			t.Errorf("the log names %s", line.Text)
		}
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
			return serialOf(t, addr, a.client("a.test")) == next.serial
		}, "clients get the new certificate")
		expectOK(t, kept.Get("/pid"))
	}
	load.WaitRequests(50)
	report := load.Stop()
	report.ExpectClean(t)
	if report.Announced+report.IdleClosed > 0 || kept.Connects != 1 {
		t.Errorf("connections were closed: %v", report)
	}
	for _, pid := range workers {
		if testproc.PIDGone(pid) {
			t.Errorf("worker %d was replaced", pid)
		}
	}
	kept.Close()
	p.Stop(0)
}

// swapSecret is swapConfigMap for a Secret of the type kubernetes.io/tls.
func swapSecret(t *testing.T, dir string, p pair) {
	t.Helper()
	swapFiles(t, dir, map[string]string{"tls.crt": p.cert, "tls.key": p.key})
}

// TestTLSBrokenRotation: a certificate that cannot be used changes nothing but
// the log; the right one after it does.
func TestTLSBrokenRotation(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, addr := startTLS(t, a, testproc.Options{})
	before := serialOf(t, addr, a.client("a.test"))
	next := a.issue("a.test")
	mark := p.Log.Mark()
	put(t, p.Path("a.crt"), next.cert) // the key is the old one still
	line := p.WaitLog(mark, testproc.Msg(msgCertRejected), "the pair that does not match is rejected")
	if !strings.Contains(line.Text, "a.crt") || !strings.Contains(line.Text, "does not match") {
		t.Errorf("the reason is %s", line.Text)
	}
	if got := serialOf(t, addr, a.client("a.test")); got != before {
		t.Errorf("the certificate is %s, want the old one, %s", got, before)
	}
	mark = p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg("reload rejected; the old configuration serves on"), "a reload with them is rejected too")
	put(t, p.Path("a.key"), next.key)
	p.WaitLog(mark, testproc.Msg(msgCertificate), "the pair is whole")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		return serialOf(t, addr, a.client("a.test")) == next.serial
	}, "clients get the new certificate")
	p.Stop(0)
}

// TestTLSNobodyNotices: reloads, recycling and an upgrade, under load. TLS connections
// cannot move, so they are closed, but never without notice.
func TestTLSNobodyNotices(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			dir := t.TempDir()
			a.issue("a.test").put(t, dir, "a")
			p := startCopy(t, testproc.Options{App: kind, Dir: dir, Env: []string{
				"BIND=127.0.0.1:0?tls", "TLS_CERT=a.crt", "TLS_KEY=a.key", "KEEPALIVE=30", "RECYCLE_INTERVAL=0", "MAX_REQUESTS=300",
			}})
			addr := p.Up()
			load := testproc.StartLoad(t, testproc.Load{
				Addr: addr, TLS: a.client("a.test"), Busy: 3, Thinking: 6, Connecting: 2, Pace: 3 * time.Millisecond, Think: 100 * time.Millisecond,
			})
			load.WaitRequests(400)
			for range 2 {
				mark := p.Log.Mark()
				p.Signal(syscall.SIGHUP)
				p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
				load.WaitRequests(100)
			}
			mark := p.Log.Mark()
			p.Signal(syscall.SIGUSR2)
			p.WaitLog(mark, testproc.Msg("upgraded: the new master serves, this one leaves"), "the upgrade is done")
			load.WaitRequests(200)
			report := load.Stop()
			report.ExpectClean(t)
			if report.IdleClosed > 0 || report.Announced == 0 {
				t.Errorf("connections closed without notice: %v", report)
			}
			wantNoLine(t, p, 0, testproc.Msg(testproc.MsgDied), "a worker died")
		})
	}
}

// TestTLSSlowHandshake: clients that do not finish their handshake are cut off by
// header_timeout and hold nobody up.
func TestTLSSlowHandshake(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			p, addr := startTLS(t, a, testproc.Options{App: kind, Env: []string{"WEB_WORKERS=1", "HEADER_TIMEOUT=1"}})
			hello := clientHello(t)
			var raws []*testproc.Raw
			for i := range 10 {
				raw := testproc.Dial(t, addr)
				raw.Send(hello[:i*len(hello)/20]) // from nothing to half of it
				raws = append(raws, raw)
			}
			trickle := testproc.Dial(t, addr)
			stop := make(chan struct{})
			defer close(stop)
			go func() {
				for i := 0; i < len(hello)-1 && testproc.Pause(100*time.Millisecond, stop); i++ {
					trickle.TrySend(hello[i : i+1])
				}
			}()
			client := testproc.Client{Addr: addr, TLS: a.client("a.test")}
			defer client.Close()
			expectOK(t, client.Get("/pid"))
			for _, raw := range raws {
				raw.ExpectEOF(testproc.Patience)
			}
			trickle.ExpectEOF(testproc.Patience)
			expectOK(t, client.Get("/pid"))
			client.Close()
			p.Stop(0)
		})
	}
}

// clientHello is how a TLS connection begins.
func clientHello(t *testing.T) string {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		_ = tls.Client(ours, &tls.Config{ServerName: "a.test"}).Handshake()
		_ = ours.Close()
	}()
	head := make([]byte, 5)
	if _, err := io.ReadFull(theirs, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, int(head[3])<<8|int(head[4]))
	if _, err := io.ReadFull(theirs, body); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	return string(head) + string(body)
}

// TestTLSRefusesPlainHTTP: who forgets the s is told so.
func TestTLSRefusesPlainHTTP(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, addr := startTLS(t, a, testproc.Options{})
	raw := testproc.Dial(t, addr)
	raw.Send(testproc.Request("/pid"))
	if res := raw.Answer(); res.Status != 400 || !strings.Contains(res.Body, "https://") {
		t.Errorf("the answer is %v", res)
	}
	raw.ExpectEOF(testproc.Patience)
	p.Stop(0)
}

// TestTLSIsStrict: what is malformed is refused inside TLS too.
func TestTLSIsStrict(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			p, addr := startTLS(t, a, testproc.Options{App: kind})
			c, err := tls.Dial("tcp", addr, a.client("a.test"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(testproc.Patience))
			fmt.Fprint(c, "POST /pid HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
			answer, err := io.ReadAll(c)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
				t.Errorf("the answer is %q, %v", answer, err)
			}
			p.Stop(0)
		})
	}
}

// TestTLSClientCertificates: with client_auth require nobody else gets in, and
// who was in does not get in by its session after the authority changed.
func TestTLSClientCertificates(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "clients.crt"), a.pem)
	p, addr := startTLS(t, a, testproc.Options{Dir: dir, Env: []string{"TLS_CLIENT_AUTH=require", "TLS_CLIENT_CA=clients.crt"}})
	with := func(signer *authority) *tls.Config {
		c := a.client("a.test")
		c.Certificates = []tls.Certificate{signer.issue("somebody").tls}
		return c
	}
	good := with(a)
	good.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	serialOf(t, addr, good)
	rejected(t, addr, a.client("a.test"), "without a certificate")
	rejected(t, addr, with(other), "with a certificate of another authority")

	mark := p.Log.Mark()
	put(t, p.Path("clients.crt"), other.pem)
	p.WaitLog(mark, testproc.Msg("client certificates are checked against another file now"), "the authority is in force")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		client := testproc.Client{Addr: addr, TLS: with(other), Fresh: true}
		return client.Get("/pid").Outcome == testproc.OK
	}, "the other authority's client gets in")
	testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
		client := testproc.Client{Addr: addr, TLS: good, Fresh: true}
		return client.Get("/pid").Err != nil
	}, "the first one's client does not, session or not")
	p.Stop(0)
}

// TestTLSResumption: a session is resumed at another worker, after a reload and after an upgrade.
func TestTLSResumption(t *testing.T) {
	t.Parallel()
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			dir := t.TempDir()
			a.issue("a.test").put(t, dir, "a")
			p := startCopy(t, testproc.Options{App: appFastHTTP, Dir: dir, Env: []string{"BIND=127.0.0.1:0?tls", "TLS_CERT=a.crt", "TLS_KEY=a.key"}})
			addr := p.Up()
			c := a.client("a.test")
			c.MaxVersion, c.ClientSessionCache = version, tls.NewLRUClientSessionCache(0)
			visit := func() (pid int, resumed bool) {
				client := testproc.Client{Addr: addr, TLS: c}
				defer client.Close()
				pid = expectOK(t, client.Get("/pid"))
				return pid, client.Session() != nil && client.Session().DidResume
			}
			first, resumed := visit()
			if resumed {
				t.Error("the first session was resumed")
			}
			// elsewhere comes until another process than the known ones answers.
			elsewhere := func(what string, known ...int) {
				t.Helper()
				testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
					pid, resumed := visit()
					if !resumed {
						t.Errorf("%s: the session was not resumed", what)
					}
					return !slices.Contains(known, pid)
				}, what)
			}
			elsewhere("at the other worker", first)
			old := p.WaitWorkers(2)
			mark := p.Log.Mark()
			p.Signal(syscall.SIGHUP)
			p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
			elsewhere("after the reload", old...)
			old = append(old, p.WorkerPIDs()...)
			mark = p.Log.Mark()
			p.Signal(syscall.SIGUSR2)
			p.WaitLog(mark, testproc.Msg("upgraded: the new master serves, this one leaves"), "the upgrade is done")
			elsewhere("after the upgrade", old...)
		})
	}
}
