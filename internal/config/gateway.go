package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"strings"
	"time"
)

// OpenAI are the OpenAI-compatible upstreams of the WebChasor API.
type OpenAI struct {
	BaseURL   string
	APIKey    Secret
	Models    []string
	Upstreams []Upstream

	Retries      int           // attempts after the first
	EjectAfter   int           // failures in a row; 0 ejects nobody
	EjectionTime time.Duration // the first time
}

// Upstream is one OpenAI-compatible service.
type Upstream struct {
	Name       string `yaml:"name,required" example:"main"`
	BaseURL    string `yaml:"base_url,required" example:"https://api.openai.com/v1"`
	APIKey     Secret `yaml:"api_key"` // resolved: whichever of the three was given
	APIKeyEnv  string `yaml:"api_key_env" example:"OPENAI_API_KEY"`
	APIKeyFile string `yaml:"api_key_file" example:"/run/secrets/openai"`

	Models []string          `yaml:"models" example:"gpt-*"` // exact, or with a * at the end; none is every model
	Rename map[string]string `yaml:"rename"`                 // the client's model: the upstream's

	Priority int `yaml:"priority" min:"0" max:"1000" example:"1"`
	Weight   int `yaml:"weight" default:"1" min:"1" max:"1000"`

	ConnectTimeout      time.Duration `yaml:"connect_timeout" default:"5s" min:"10ms" max:"10m"`
	FirstByteTimeout    time.Duration `yaml:"first_byte_timeout" off:"true" min:"10ms" max:"24h" example:"60"`    // 0: nine tenths of server.timeout
	BetweenBytesTimeout time.Duration `yaml:"between_bytes_timeout" off:"true" min:"10ms" max:"24h" example:"60"` // 0: likewise

	Headers        map[string]string `yaml:"headers"`                                       // sent with every request
	ForwardHeaders []string          `yaml:"forward_headers" example:"X-Tenant"`            // of the client, beside the usual ones
	CAFile         string            `yaml:"ca_file" example:"/etc/webchasor/provider.pem"` // trusted instead of the system's
}

// openAIURL is where a key alone belongs.
const openAIURL = "https://api.openai.com/v1"

// All lists the upstreams in use: those of the list, or the one that base_url
// and api_key make, or none.
func (o OpenAI) All() []Upstream {
	if len(o.Upstreams) > 0 {
		return o.Upstreams
	}
	if o.BaseURL == "" && o.APIKey == "" {
		return nil
	}
	one := defaultsOf[Upstream]()
	one.Name, one.BaseURL, one.APIKey, one.Models = "openai", o.BaseURL, o.APIKey, o.Models
	if one.BaseURL == "" {
		one.BaseURL = openAIURL
	}
	return []Upstream{one}
}

// ClientKey is a key that one of our own clients has. Only its hash is known.
type ClientKey struct {
	Name   string   `yaml:"name,required" example:"web-shop"`
	SHA256 string   `yaml:"sha256,required" example:"64 hexadecimal digits"`
	Models []string `yaml:"models" example:"gpt-*"` // none is every model

	MaxConcurrentRequests int `yaml:"max_concurrent_requests" min:"1" max:"1000000" example:"20"` // 0 is no limit of its own
}

// CORS says which web pages may call the API.
type CORS struct {
	Origins []string
	Headers []string
	MaxAge  time.Duration
}

// finishUpstreams checks the upstreams and reads their keys.
func finishUpstreams(l *loader, d *section) {
	all := l.out.Settings.API.OpenAI.Upstreams
	names := map[string]bool{}
	for i := range all {
		u, at := &all[i], fmt.Sprintf("providers.openai.upstreams[%d]", i)
		if names[u.Name] {
			d.fail(at+".name", u.Name, "another upstream has it", "give each one a name of its own")
		}
		names[u.Name] = true
		base, err := Setting{Kind: KindURL}.url(u.BaseURL)
		if err != nil {
			d.fail(at+".base_url", hideUserinfo(u.BaseURL), err.Error(), "give an address, for example "+openAIURL)
		}
		u.BaseURL = base
		d.patterns(at+".models", u.Models)
		for from, to := range u.Rename {
			if from == "" || to == "" {
				d.fail(at+".rename", nil, "a name in it is empty", `write "what clients ask for: what the upstream gets"`)
			}
		}
		if u.CAFile != "" {
			u.CAFile = absolute(l.site.dir, u.CAFile)
		}
		l.upstreamKey(d, at, u)
	}
}

// upstreamKey resolves the one of three ways in which a key is given.
func (l *loader) upstreamKey(d *section, at string, u *Upstream) {
	given := 0
	for _, s := range []string{u.APIKey.Reveal(), u.APIKeyEnv, u.APIKeyFile} {
		if s != "" {
			given++
		}
	}
	switch {
	case given > 1:
		d.fail(at, nil, "it has its key in more than one place", "keep one of api_key, api_key_env and api_key_file")
	case u.APIKeyEnv != "":
		key := l.variable(u.APIKeyEnv)
		if strings.TrimSpace(key) == "" {
			d.fail(at+".api_key_env", u.APIKeyEnv, "there is no such variable in the environment or an env-file", "set it, or name another one")
		}
		u.APIKey = Secret(strings.TrimSpace(key))
	case u.APIKeyFile != "":
		u.APIKeyFile = absolute(l.site.dir, u.APIKeyFile)
		text, err := readText(u.APIKeyFile)
		if err != nil {
			d.fail(at+".api_key_file", u.APIKeyFile, "it cannot be read", err.Error())
		}
		u.APIKey = Secret(strings.TrimSpace(string(text)))
	}
	if hasControl(u.APIKey.Reveal()) {
		d.fail(at, nil, "its key has a character that is no text", "give the key on one line")
	}
}

// patterns checks models: a * is only understood at the end.
func (d *section) patterns(at string, models []string) {
	for i, m := range models {
		if m == "" || strings.Contains(strings.TrimSuffix(m, "*"), "*") {
			d.fail(fmt.Sprintf("%s[%d]", at, i), m, "it is no name of a model", "give a name, or its beginning and a *")
		}
	}
}

// hideUserinfo keeps a password that was put into an address out of messages.
func hideUserinfo(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if _, host, has := strings.Cut(rest, "@"); ok && has {
		return scheme + "://" + secretMask + "@" + host
	}
	return address
}

// keysMax bounds the client keys: every worker gets them in its first message.
const keysMax = 500

// finishKeys checks the client keys.
func finishKeys(l *loader, d *section) {
	all := l.out.Settings.API.Keys
	if len(all) > keysMax {
		d.fail("api.keys", nil, fmt.Sprintf("it has %d keys and %d fit", len(all), keysMax), "let clients share keys, or authenticate in front of this service")
		return
	}
	names, hashes := map[string]bool{}, map[string]string{}
	for i := range all {
		k, at := &all[i], fmt.Sprintf("api.keys[%d]", i)
		if names[k.Name] {
			d.fail(at+".name", k.Name, "another key has it", "give each one a name of its own")
		}
		names[k.Name] = true
		k.SHA256 = strings.ToLower(strings.TrimPrefix(k.SHA256, "sha256:"))
		if raw, err := hex.DecodeString(k.SHA256); err != nil || len(raw) != 32 {
			// It may be the key itself, so it is not repeated.
			d.fail(at+".sha256", Secret(k.SHA256), "it is not a SHA-256 in hexadecimal", `give what printf %s "$KEY" | sha256sum prints`)
		} else if other := hashes[k.SHA256]; other != "" {
			d.fail(at+".sha256", Secret(k.SHA256), "it is the same key as that of "+other, "give each client its own, or delete one")
		}
		hashes[k.SHA256] = k.Name
		d.patterns(at+".models", k.Models)
	}
}

// OpenProxy says why whoever reaches this service spends the owner's money, or
// "" when that is not so or was declared to be meant.
func (s *Settings) OpenProxy() string {
	if s.API.AllowAnonymous || len(s.API.Keys) > 0 {
		return ""
	}
	paid := ""
	for _, u := range s.API.OpenAI.All() {
		if u.paid() {
			paid = u.Name
			break
		}
	}
	open := ""
	for _, addr := range s.Bind {
		if !private(addr) {
			open = addr
			break
		}
	}
	if paid == "" || open == "" {
		return ""
	}
	return fmt.Sprintf("open proxy: anybody who reaches %s can use the key of upstream %s at its owner's cost; "+
		"list api.keys, bind a loopback address, or set api.allow_anonymous: true when something in front authenticates", open, paid)
}

// paid says that the upstream gets a secret of ours: its key, or a header that looks like one.
func (u *Upstream) paid() bool {
	if u.APIKey != "" {
		return true
	}
	for name := range u.Headers {
		name = strings.ToLower(name)
		for _, word := range []string{"auth", "key", "token", "secret", "cookie", "credential"} {
			if strings.Contains(name, word) {
				return true
			}
		}
	}
	return false
}

// private says that only this host reaches the address.
func private(addr string) bool {
	if strings.HasPrefix(addr, "unix:") {
		return true
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost"
}

// gatewayHints finds what has less effect than it says in the settings of the gateway.
func (l *loader) gatewayHints() {
	v := &l.out.Settings
	if l.written("openai.base_url") && len(v.API.OpenAI.Upstreams) > 0 {
		l.hint("openai.base_url has no effect while providers.openai.upstreams lists upstreams")
	}
	if _, ok := l.out.Origins["openai.base_url"]; !ok {
		return // a program without these settings
	}
	if v.API.Echo.Enabled == "false" && len(v.API.OpenAI.All()) == 0 {
		l.hint("no model is served: echo.enabled is false and there is no upstream")
	}
	for _, u := range v.API.OpenAI.All() {
		for _, wait := range []struct {
			name string
			time time.Duration
		}{{"first_byte_timeout", u.FirstByteTimeout}, {"between_bytes_timeout", u.BetweenBytesTimeout}} {
			if v.Timeout > 0 && wait.time >= v.Timeout {
				l.hint("%s = %s of upstream %s has no effect: a request that makes no progress is given up after timeout = %s",
					wait.name, formatDuration(wait.time), u.Name, formatDuration(v.Timeout))
			}
		}
	}
	if warning := v.OpenProxy(); warning != "" {
		l.hint("%s", warning)
	}
}
