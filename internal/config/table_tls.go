package config

import (
	"fmt"
	"slices"
)

// TLS says with what addresses that end in ?tls are served.
type TLS struct {
	Cert, Key    string // paths; "" is none
	Certificates []Certificate
	ClientCA     string // path
	ClientAuth   string // off, request, require
	MinVersion   string // 1.2, 1.3
}

// Certificate is a certificate with its key, both as PEM files.
type Certificate struct {
	Cert string `yaml:"cert,required" example:"/etc/webchasor/tls/example.org.crt"` // with the chain behind it
	Key  string `yaml:"key,required" example:"/etc/webchasor/tls/example.org.key"`
}

// Pairs lists the certificates. The first is for clients that ask for no name
// or for one that no certificate has.
func (t TLS) Pairs() []Certificate {
	var all []Certificate
	if t.Cert != "" {
		all = append(all, Certificate{Cert: t.Cert, Key: t.Key})
	}
	return append(all, t.Certificates...)
}

// Files lists the files whose content counts.
func (t TLS) Files() []string {
	var all []string
	for _, p := range t.Pairs() {
		all = append(all, p.Cert, p.Key)
	}
	if t.ClientAuth != clientAuthOff && t.ClientCA != "" {
		all = append(all, t.ClientCA)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// clientAuthOff is the word for asking clients for nothing.
const clientAuthOff = "off"

// tableTLS has the settings of addresses that speak TLS.
func tableTLS() []Setting {
	return []Setting{
		{
			Name: "tls.cert", Env: "TLS_CERT", YAML: "tls.cert", Flag: "tls-cert",
			Kind: KindPath, Default: "", Off: true, Group: GroupServer, Class: Rolling,
			Help:    "PEM file with the certificate, and its chain behind it, for addresses that end in ?tls",
			Why:     "A changed file is in use at once, without a reload and without closing a connection, while server.watch is on.",
			Example: "/etc/webchasor/tls/tls.crt",
			at:      func(s *Settings) any { return &s.TLS.Cert },
		},
		{
			Name: "tls.key", Env: "TLS_KEY", YAML: "tls.key", Flag: "tls-key",
			Kind: KindPath, Default: "", Off: true, Group: GroupServer, Class: Rolling,
			Help:    "PEM file with the key of tls.cert",
			Why:     "Only the master reads it; others should not be able to.",
			Example: "/etc/webchasor/tls/tls.key",
			at:      func(s *Settings) any { return &s.TLS.Key },
		},
		{
			Name: "tls.certificates", YAML: "tls.certificates",
			Kind: KindSection, Group: GroupServer, Class: Rolling,
			Help: "further certificates; a client gets the one that has the name it asks for",
			Why:  "One entry per certificate. A client that asks for no known name gets tls.cert, or the first of these.",
			Example: `- cert: /etc/webchasor/tls/example.org.crt
  key: /etc/webchasor/tls/example.org.key
`,
			at:     func(s *Settings) any { return &s.TLS.Certificates },
			finish: finishCertificates,
		},
		{
			Name: "tls.client_auth", Env: "TLS_CLIENT_AUTH", YAML: "tls.client_auth", Flag: "tls-client-auth",
			Kind: KindChoice, Default: clientAuthOff, Choices: []string{clientAuthOff, "request", "require"}, Group: GroupServer, Class: Rolling,
			Help:    "certificates of clients: off, request (checked if there is one) or require",
			Why:     "A client's certificate has to be signed by one in tls.client_ca.",
			Example: "require",
			at:      func(s *Settings) any { return &s.TLS.ClientAuth },
		},
		{
			Name: "tls.client_ca", Env: "TLS_CLIENT_CA", YAML: "tls.client_ca", Flag: "tls-client-ca",
			Kind: KindPath, Default: "", Off: true, Group: GroupServer, Class: Rolling,
			Help:    "PEM file with the certificates that may sign clients' certificates",
			Why:     "It is watched like tls.cert.",
			Example: "/etc/webchasor/tls/clients.crt",
			at:      func(s *Settings) any { return &s.TLS.ClientCA },
		},
		{
			Name: "tls.min_version", Env: "TLS_MIN_VERSION", YAML: "tls.min_version", Flag: "tls-min-version",
			Kind: KindChoice, Default: "1.2", Choices: []string{"1.2", "1.3"}, Group: GroupServer, Class: Rolling,
			Help:    "oldest version of TLS that clients may speak: 1.2 or 1.3",
			Why:     "Cipher suites are Go's own choice, which has no weak ones.",
			Example: "1.3",
			at:      func(s *Settings) any { return &s.TLS.MinVersion },
		},
	}
}

// finishCertificates makes the paths absolute.
func finishCertificates(l *loader, d *section) {
	all := l.out.Settings.TLS.Certificates
	for i := range all {
		at := fmt.Sprintf("tls.certificates[%d]", i)
		for key, path := range map[string]*string{".cert": &all[i].Cert, ".key": &all[i].Key} {
			if *path == "" {
				d.fail(at+key, *path, "it is empty", "give the path of a PEM file")
				continue
			}
			*path = absolute(l.site.dir, *path)
		}
	}
}

// checkTLS demands what addresses with ?tls need, and says what has no effect.
func (l *loader) checkTLS() {
	v := &l.out.Settings
	l.together("tls.cert", v.TLS.Cert, "tls.key", v.TLS.Key)
	l.together("tls.key", v.TLS.Key, "tls.cert", v.TLS.Cert)
	if v.TLS.ClientAuth != clientAuthOff {
		l.together("tls.client_auth", v.TLS.ClientAuth, "tls.client_ca", v.TLS.ClientCA)
	} else if v.TLS.ClientCA != "" {
		l.hint("tls.client_ca has no effect while tls.client_auth is off")
	}
	speaks := slices.ContainsFunc(v.Bind, func(addr string) bool {
		b, err := ParseBind(addr)
		return err == nil && b.TLS
	})
	pairs := v.TLS.Pairs()
	switch {
	case !l.known("bind", "tls.cert", "tls.key", "tls.certificates"):
	case speaks && len(pairs) == 0:
		s, _ := lookup(l.table, "bind")
		l.fail(s, &Error{
			Where: l.out.Origins["bind"].place(), Key: "bind", Value: s.display(v),
			Problem: "an address with ?tls needs a certificate", Remedy: "set tls.cert and tls.key, or delete ?tls",
		})
	case !speaks && len(pairs) > 0:
		l.hint("the certificates have no effect: no address in bind speaks TLS, write ?tls behind one, as in :8443?tls")
	}
}

// together demands the setting other where name has a value.
func (l *loader) together(name, value, other, otherValue string) {
	if value == "" || otherValue != "" || !l.known(name, other) {
		return
	}
	s, _ := lookup(l.table, name)
	l.fail(s, &Error{
		Where: l.out.Origins[name].place(), Key: name, Value: value,
		Problem: "it needs " + other + " too", Remedy: "set " + other + ", or delete " + name,
	})
}
