package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, pool: x509.NewCertPool()}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour),
	}
	a.cert, a.key = a.sign(template, nil, nil)
	a.pool.AddCert(a.cert)
	a.pem = encode("CERTIFICATE", a.cert.Raw)
	return a
}

// sign makes a key and a certificate for it; without a parent it is its own.
func (a *authority) sign(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		a.t.Fatal(err)
	}
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// pair is a certificate and its key, in the forms that tests need.
type pair struct {
	cert, key string // PEM
	serial    string
	tls       tls.Certificate
}

// issue makes a certificate for a name, for a server and for a client.
func (a *authority) issue(name string, life ...time.Duration) pair {
	a.t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(life) > 0 {
		template.NotBefore, template.NotAfter = time.Now().Add(-90*24*time.Hour), time.Now().Add(life[0])
	}
	cert, key := a.sign(template, a.cert, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	p := pair{cert: encode("CERTIFICATE", cert.Raw), key: encode("PRIVATE KEY", der), serial: cert.SerialNumber.Text(16)}
	if p.tls, err = tls.X509KeyPair([]byte(p.cert), []byte(p.key)); err != nil {
		a.t.Fatal(err)
	}
	return p
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// client trusts the authority and asks for a name.
func (a *authority) client(name string) *tls.Config {
	return &tls.Config{RootCAs: a.pool, ServerName: name}
}

// put writes a pair as name.crt and name.key.
func (p pair) put(t *testing.T, dir, name string) {
	t.Helper()
	put(t, filepath.Join(dir, name+".key"), p.key)
	put(t, filepath.Join(dir, name+".crt"), p.cert)
}

// startTLS starts the program on an address that speaks TLS, with a certificate for a.test.
func startTLS(t *testing.T, a *authority, o testproc.Options) (p *testproc.Process, addr string) {
	t.Helper()
	if o.App == "" {
		o.App = appFastHTTP
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	a.issue("a.test").put(t, o.Dir, "a")
	o.Env = append([]string{"BIND=127.0.0.1:0?tls", "TLS_CERT=a.crt", "TLS_KEY=a.key", "WATCH=true", "KEEPALIVE=30"}, o.Env...)
	p = startWith(t, o)
	return p, p.Up()
}

// serialOf is the serial number of the certificate that a client gets.
func serialOf(t *testing.T, addr string, c *tls.Config) string {
	t.Helper()
	client := testproc.Client{Addr: addr, TLS: c}
	defer client.Close()
	if res := client.Get("/pid"); res.Outcome != testproc.OK && res.Outcome != testproc.Status {
		t.Fatalf("a request for %s failed: %v", c.ServerName, res)
	}
	if client.Session() == nil {
		t.Fatalf("the connection for %s did not stay", c.ServerName)
	}
	return client.Session().PeerCertificates[0].SerialNumber.Text(16)
}

// rejected fails the test unless no request is served to such a client.
func rejected(t *testing.T, addr string, c *tls.Config, why string) {
	t.Helper()
	client := testproc.Client{Addr: addr, TLS: c}
	defer client.Close()
	if res := client.Get("/pid"); res.Err == nil {
		t.Errorf("a client %s is served: %v", why, res)
	} else if !strings.Contains(res.Err.Error(), "tls") && !strings.Contains(res.Err.Error(), "EOF") && !strings.Contains(res.Err.Error(), "reset") {
		t.Errorf("a client %s: %v", why, res)
	}
}
