package certs

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/webchasor/webchasor/internal/config"
)

// Loaded is what the files say.
type Loaded struct {
	Material Material                     // without tickets
	Infos    []Info                       // of the pairs, in their order
	Sums     map[string][sha256.Size]byte // SHA-256 of the content, by path
}

// Info describes a certificate for people.
type Info struct {
	File    string
	Subject string   // the common name, or the first name, of it
	Names   []string // that it is good for
	Serial  string   // hexadecimal
	Begins  time.Time
	Expires time.Time

	exposed string // the key's file, if everybody can read it
}

// soon is how long before its end a certificate is warned about: ACME clients
// renew 30 days before the end, so that one this close has been missed.
const soon = 14 * 24 * time.Hour

// maxFile bounds a file. Bundles of the world's authorities have 250 KB.
const maxFile = 1 << 20

// Load reads and checks the files. It returns nil without any certificate, and
// every mistake that it found, joined. It blocks on the disk.
func Load(s config.TLS) (*Loaded, error) {
	pairs := s.Pairs()
	if len(pairs) == 0 {
		return nil, nil
	}
	l := &Loaded{
		Material: Material{ClientAuth: s.ClientAuth, MinVersion: s.MinVersion},
		Sums:     make(map[string][sha256.Size]byte),
	}
	var errs []error
	for _, p := range pairs {
		errs = append(errs, l.addPair(p))
	}
	if s.ClientAuth != "off" && s.ClientCA != "" {
		errs = append(errs, l.addClientCA(s.ClientCA))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Loaded) addPair(p config.Certificate) error {
	cert, certErr := l.read(p.Cert)
	key, keyErr := l.read(p.Key)
	if err := errors.Join(certErr, keyErr); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("cannot use the certificate %s with the key %s: %s; %s",
			p.Cert, p.Key, strings.TrimPrefix(err.Error(), "tls: "), remedy(err))
	}
	leaf := pair.Leaf
	info := Info{
		File: p.Cert, Subject: leaf.Subject.CommonName, Names: leaf.DNSNames,
		Serial: fmt.Sprintf("%x", leaf.SerialNumber), Begins: leaf.NotBefore, Expires: leaf.NotAfter,
	}
	if open, err := os.Stat(p.Key); err == nil && open.Mode().Perm()&others != 0 {
		info.exposed = p.Key
	}
	for _, ip := range leaf.IPAddresses {
		info.Names = append(info.Names, ip.String())
	}
	if info.Subject == "" && len(info.Names) > 0 {
		info.Subject = info.Names[0]
	}
	l.Infos = append(l.Infos, info)
	l.Material.Pairs = append(l.Material.Pairs, Pair{Cert: cert, Key: key})
	return nil
}

// remedy says what to do about a pair that does not work.
func remedy(err error) string {
	if strings.Contains(err.Error(), "does not match") {
		return "give the key that the certificate was made with"
	}
	return "give PEM files, the certificate first and its chain behind it, the key without a password"
}

func (l *Loaded) addClientCA(path string) error {
	text, err := l.read(path)
	if err != nil {
		return err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(text) {
		return fmt.Errorf("cannot use %s: it has no certificate in it; give a PEM file with those that sign clients'", path)
	}
	l.Material.ClientCA = text
	return nil
}

// others is the right of everybody to read a file.
const others = 0o004

// Warnings says what is wrong with certificates that can be used all the same. Nil has none.
func (l *Loaded) Warnings(now time.Time) (all []string) {
	if l == nil {
		return nil
	}
	for _, i := range l.Infos {
		if w := i.lifeWarning(now); w != "" {
			all = append(all, w)
		}
		if len(i.Names) == 0 {
			all = append(all, i.File+" has no subject alternative name: no client of today accepts it")
		}
		if i.exposed != "" {
			all = append(all, fmt.Sprintf("everybody on this machine can read the key %s: run `chmod o-r` on it", i.exposed))
		}
	}
	return all
}

// lifeWarning is about a certificate that is not valid now, or not for long.
func (i Info) lifeWarning(now time.Time) string {
	const form = "2006-01-02 15:04 MST"
	begins, expires := i.Begins.UTC().Format(form), i.Expires.UTC().Format(form)
	switch left := i.Expires.Sub(now); {
	case left <= 0:
		return fmt.Sprintf("%s expired on %s: replace it", i.File, expires)
	case now.Before(i.Begins):
		return fmt.Sprintf("%s is valid only from %s on: look at the clock", i.File, begins)
	case left < soon && left < i.Expires.Sub(i.Begins)/3: // some live for days only
		return fmt.Sprintf("%s expires on %s: replace it", i.File, expires)
	}
	return ""
}

func (l *Loaded) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile) {
		return nil, fmt.Errorf("cannot read %s: it is no file of PEM; give the path of one", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; give a PEM file that the user of this process may read", err)
	}
	l.Sums[path] = sha256.Sum256(text)
	return text, nil
}
