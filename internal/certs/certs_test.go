package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// files writes a certificate for name and its key.
func files(t *testing.T, name string, begins, ends time.Time) config.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x2a), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: begins, NotAfter: ends,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := config.Certificate{Cert: filepath.Join(t.TempDir(), "c.crt"), Key: filepath.Join(t.TempDir(), "c.key")}
	put(t, c.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	put(t, c.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return c
}

func put(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func settings(pairs ...config.Certificate) config.TLS {
	return config.TLS{Certificates: pairs, ClientAuth: "off", MinVersion: "1.2"}
}

const day = 24 * time.Hour

func TestLoad(t *testing.T) {
	none, err := Load(settings())
	if none != nil || err != nil || none.Warnings(now) != nil {
		t.Errorf("no certificate: %v, %v", none, err)
	}
	a, b := files(t, "a.test", now.Add(-day), now.Add(90*day)), files(t, "b.test", now.Add(-day), now.Add(90*day))
	got, err := Load(settings(a, b))
	if err != nil {
		t.Fatal(err)
	}
	if i := got.Infos[1]; i.Subject != "b.test" || i.Serial != "2a" || strings.Join(i.Names, " ") != "b.test 127.0.0.1" || i.File != b.Cert {
		t.Errorf("info %+v", i)
	}
	if len(got.Sums) != 4 || len(got.Warnings(now)) != 0 {
		t.Errorf("%d sums, warnings %v", len(got.Sums), got.Warnings(now))
	}
}

func TestLoadNamesEveryMistake(t *testing.T) {
	a, b := files(t, "a.test", now, now.Add(day)), files(t, "b.test", now, now.Add(day))
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk")
	put(t, junk, []byte("junk"))
	missing := filepath.Join(dir, "missing")
	s := settings(
		config.Certificate{Cert: a.Cert, Key: b.Key}, config.Certificate{Cert: a.Cert, Key: missing},
		config.Certificate{Cert: junk, Key: a.Key}, config.Certificate{Cert: dir, Key: a.Key},
	)
	s.ClientAuth, s.ClientCA = "require", junk
	_, err := Load(s)
	got := config.Errors(err)
	want := []string{
		"does not match public key; give the key that", missing + ": no such file", "failed to find any PEM data in certificate input; give PEM",
		dir + ": it is no file of PEM", "cannot use " + junk + ": it has no certificate in it",
	}
	if len(got) != len(want) {
		t.Fatalf("mistakes: %v", err)
	}
	for i, e := range got {
		if !strings.Contains(e.Error(), want[i]) {
			t.Errorf("got  %v\nwant %s", e, want[i])
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		begins, ends time.Duration
		want         string
	}{
		{-90 * day, 15 * day, ""},
		{-90 * day, 13 * day, "expires on 2026-03-14 12:00 UTC"},
		{-90 * day, -day, "expired on 2026-02-28"},
		{day, 90 * day, "only from 2026-03-02"},
		{-day, 5 * day, ""}, // one that lives for days
		{-5 * day, day, "expires on"},
	} {
		l, err := Load(settings(files(t, "a.test", now.Add(c.begins), now.Add(c.ends))))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(l.Warnings(now), "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: warnings %q", c, got)
		}
	}
	open := files(t, "a.test", now.Add(-day), now.Add(90*day))
	if err := os.Chmod(open.Key, 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Load(settings(open))
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Warnings(now); len(got) != 1 || !strings.Contains(got[0], "can read the key "+open.Key) {
		t.Errorf("warnings %q", got)
	}
}

func TestTicketsTurn(t *testing.T) {
	first, turned := Tickets{}.Turn(now)
	if !turned || len(first.Keys) != 2 {
		t.Fatalf("no keys to begin with: %v", first)
	}
	if same, turned := first.Turn(now.Add(TicketLife - time.Second)); turned || !same.Made.Equal(now) {
		t.Error("a key was replaced before its time")
	}
	at, keys := now, first
	for range 5 {
		at = at.Add(TicketLife)
		next, turned := keys.Turn(at)
		if !turned || !bytes.Equal(next.Keys[0], keys.Keys[len(keys.Keys)-1]) || !bytes.Equal(next.Keys[1], keys.Keys[0]) {
			t.Fatalf("the next key does not seal, or the last one does not open: %v", turned)
		}
		keys = next
	}
	if len(keys.Keys) != 4 { // sealing, two former, next
		t.Errorf("%d keys are kept", len(keys.Keys))
	}
	if _, turned := keys.Turn(at.Add(-2 * TicketLife)); !turned {
		t.Error("a clock that was set back keeps a key for ever")
	}
	seen := map[string]bool{}
	for _, k := range keys.Keys {
		seen[string(k)] = true
	}
	if len(seen) != 4 {
		t.Error("a key is there twice")
	}
}

// TestTicketsOpenAcrossATurn resumes a session of before a turn after it, also where
// the worker that began it did not know of the turn yet.
func TestTicketsOpenAcrossATurn(t *testing.T) {
	l, err := Load(settings(files(t, "a.test", time.Now().Add(-day), time.Now().Add(90*day))))
	if err != nil {
		t.Fatal(err)
	}
	before := NewTickets(now)
	after, _ := before.Turn(now.Add(TicketLife))
	for _, c := range []struct {
		name          string
		begun, resume Tickets
		auth          string
		want          bool
	}{
		{"the same keys", before, before, "off", true},
		{"after a turn", before, after, "off", true},
		{"a worker that has not turned", after, before, "off", true},
		{"other keys", before, NewTickets(now), "off", false},
		{"other demands", before, before, "request", false},
	} {
		cache := tls.NewLRUClientSessionCache(0)
		shake(t, l.Material, c.begun, "off", cache)
		if got := shake(t, l.Material, c.resume, c.auth, cache); got != c.want {
			t.Errorf("%s: resumed %v", c.name, got)
		}
	}
}

// shake makes one connection, to a worker that got the material as JSON.
func shake(t *testing.T, m Material, keys Tickets, auth string, cache tls.ClientSessionCache) (resumed bool) {
	t.Helper()
	m.Tickets, m.ClientAuth, m.ClientCA = keys, auth, m.Pairs[0].Cert
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var arrived Material
	if err := json.Unmarshal(text, &arrived); err != nil {
		t.Fatal(err)
	}
	config, err := arrived.Config("http/1.1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if server, err := l.Accept(); err == nil {
			_, _ = server.Write([]byte("x"))
			_ = server.Close()
		}
	}()
	client, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, ServerName: "a.test", ClientSessionCache: cache})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Read(make([]byte, 1)); err != nil { // the ticket comes before the byte
		t.Fatal(err)
	}
	return client.ConnectionState().DidResume
}
