package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Config is what a [Router] works by. [New] copies what it keeps.
type Config struct {
	Upstreams []Upstream

	Retries     int           // attempts after the first one
	BackoffBase time.Duration // the first wait is random up to this, later ones up to twice the one before; 0 is 250ms
	BackoffMax  time.Duration // no wait is longer, but for a Retry-After; 0 is 5s
	RetryWait   time.Duration // the longest that one request waits between its attempts, all waits together; 0 is 15s

	Ejection Ejection

	Meter func(upstream string) Meter // who watches the upstream of this name; nil is nobody
}

// Ejection says when an upstream counts as broken.
type Ejection struct {
	Failures int           // so many in a row; 0 ejects nobody
	Time     time.Duration // for how long the first time; 0 is 10s
	MaxTime  time.Duration // at most; 0 is 5m
}

// Upstream is one OpenAI-compatible service.
type Upstream struct {
	Name     string            // for logs and errors; "" is the host of BaseURL
	BaseURL  string            // what precedes /chat/completions; a query is sent with every request
	APIKey   string            // sent as a bearer token; "" sends none
	Headers  map[string]string // further headers of every request
	Forward  []string          // names of headers of the client that are passed on, beside those of [New]
	CAFile   string            // PEM file with the certificates to trust instead of the system's
	Routes   []Route           // which models it serves; none is every model
	Priority int               // lower is asked first
	Weight   int               // share of the requests among equals; 0 is 1
	Timeouts Timeouts
}

// Route is one name, or with a * at its end one prefix, of models.
type Route struct {
	Match  string // what clients ask for
	Rename string // what the upstream calls it; "" is the same. A * at its end is what Match's * stood for.
}

// Timeouts bound the waits of one attempt; 0 is no bound.
type Timeouts struct {
	Connect      time.Duration // name lookup and TCP, and again TLS
	FirstByte    time.Duration // from the sent request to the first byte of the body
	BetweenBytes time.Duration // between two arrivals of bytes of the body
}

// withDefaults returns a checked copy with every zero resolved.
func (c Config) withDefaults() (Config, error) {
	if len(c.Upstreams) == 0 {
		return c, errors.New("no upstream is configured")
	}
	if c.Retries < 0 {
		return c, fmt.Errorf("retries is %d; it cannot be negative", c.Retries)
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&c.BackoffBase, 250 * time.Millisecond},
		{&c.BackoffMax, 5 * time.Second},
		{&c.RetryWait, 15 * time.Second},
		{&c.Ejection.Time, 10 * time.Second},
		{&c.Ejection.MaxTime, 5 * time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
	c.Ejection.MaxTime = max(c.Ejection.MaxTime, c.Ejection.Time)
	c.Upstreams = slices.Clone(c.Upstreams)
	names := map[string]bool{}
	for i := range c.Upstreams {
		u := &c.Upstreams[i]
		if err := u.complete(); err != nil {
			return c, fmt.Errorf("upstream %d (%s): %w", i+1, u.Name, err)
		}
		if names[u.Name] {
			return c, fmt.Errorf("upstream %d: the name %q is taken; give each upstream a name of its own", i+1, u.Name)
		}
		names[u.Name] = true
	}
	return c, nil
}

func (u *Upstream) complete() error {
	base, err := url.Parse(u.BaseURL)
	if err != nil {
		return errors.New("base_url is no URL") // the parser's error would repeat a password
	}
	if u.Name == "" {
		u.Name = base.Host
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return fmt.Errorf("base_url %q needs http:// or https:// and a host, as https://api.openai.com/v1", base.Redacted())
	}
	if base.User != nil {
		return errors.New("base_url has a user in it; put credentials into api_key or headers")
	}
	if u.Weight < 0 {
		return fmt.Errorf("weight is %d; it cannot be negative", u.Weight)
	}
	u.Weight = max(u.Weight, 1)
	if strings.ContainsFunc(u.APIKey, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
		return errors.New("the API key has a blank, a line end or another byte that no key has")
	}
	for name, value := range u.Headers {
		if !validHeader(name, value) {
			return fmt.Errorf("header %q cannot be sent: check its name and value", name)
		}
	}
	if len(u.Routes) == 0 {
		u.Routes = []Route{{Match: "*"}}
	}
	for _, r := range u.Routes {
		if _, err := parseRule(r); err != nil {
			return err
		}
	}
	return nil
}

func validHeader(name, value string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return name != "" && !slices.Contains(connectionHeaders, http.CanonicalHeaderKey(name))
}
