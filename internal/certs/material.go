package certs

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Material is all that a worker needs to speak TLS. It travels as JSON and
// holds private keys: only descriptors carry it, never a file or an environment.
type Material struct {
	Pairs      []Pair
	ClientCA   []byte // PEM
	ClientAuth string // off, request, require
	MinVersion string // 1.2, 1.3
	Tickets    Tickets
}

// Pair is a certificate with its chain, and its key, both PEM.
type Pair struct{ Cert, Key []byte }

// Config makes a server's configuration. protocols are what ALPN offers, the
// preferred one first.
func (m *Material) Config(protocols ...string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols} //nolint:gosec // 1.2 is what we promise
	if m.MinVersion == "1.3" {
		c.MinVersion = tls.VersionTLS13
	}
	for _, p := range m.Pairs {
		pair, err := tls.X509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use a certificate: %w", err)
		}
		c.Certificates = append(c.Certificates, pair)
	}
	if len(c.Certificates) == 0 {
		return nil, errors.New("there is no certificate")
	}
	if m.ClientAuth != "off" && m.ClientAuth != "" {
		c.ClientCAs = x509.NewCertPool()
		if !c.ClientCAs.AppendCertsFromPEM(m.ClientCA) {
			return nil, errors.New("cannot use the certificates that sign clients': there is none")
		}
		c.ClientAuth = tls.RequireAndVerifyClientCert
		if m.ClientAuth == "request" {
			c.ClientAuth = tls.VerifyClientCertIfGiven
		}
	}
	if keys := m.ticketKeys(); len(keys) > 0 {
		c.SetSessionTicketKeys(keys)
	}
	return c, nil
}

// ticketKeys are the keys of session tickets, the one that seals first. They
// depend on what is demanded of clients, so that a session that was
// begun under other demands is not resumed.
func (m *Material) ticketKeys() (keys [][32]byte) {
	for _, secret := range m.Tickets.Keys {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%s\x00%s\x00", m.ClientAuth, m.MinVersion)
		mac.Write(m.ClientCA)
		keys = append(keys, [32]byte(mac.Sum(nil)))
	}
	return keys
}
