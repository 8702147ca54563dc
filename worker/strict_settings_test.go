package worker

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
)

// settingsCase is a connection of Gunicorn's tests that says something about a
// setting: a limit, the PROXY protocol, or a leniency that we do not have.
type settingsCase struct {
	corpusCase
	Limits *struct { // nil are the defaults; 0 is off
		Line   *int
		Fields *int
		Size   *int `json:"field_size"` // Gunicorn's counts the CRLF, ours does not: 2 less
	}
	Proxy  bool   // a trusted peer has to say whom it speaks for
	Client string // whom it must have named
	Status int    // our refusal; 0 when it is served
	Why    string // what differs from Gunicorn, if anything does
}

func settingsCases(tb testing.TB) (cases []settingsCase) {
	tb.Helper()
	data, err := os.ReadFile("../internal/strict/testdata/gunicorn-settings.json")
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		tb.Fatal(err)
	}
	for i := range cases {
		c := &cases[i]
		c.Raw = lengthen(c.Raw)
		for j := range c.Requests {
			c.Requests[j].Target = lengthen(c.Requests[j].Target)
		}
	}
	return cases
}

var length = regexp.MustCompile("<[0-9]+>")

// lengthen puts as many bytes in the place of <N>: in Gunicorn's files they are random letters.
func lengthen(s string) string {
	return length.ReplaceAllStringFunc(s, func(n string) string {
		count, _ := strconv.Atoi(strings.Trim(n, "<>"))
		return strings.Repeat("x", count)
	})
}

func (c *settingsCase) configure(proxied func(*config.Settings)) func(*config.Settings) {
	return func(s *config.Settings) {
		limited(s)
		if c.Proxy {
			proxied(s)
		}
		if c.Limits == nil {
			return
		}
		s.HTTP.LimitRequestHead = 64 << 10 // Gunicorn has no such limit
		for limit, set := range map[*int]*int{
			&s.HTTP.LimitRequestLine: c.Limits.Line, &s.HTTP.LimitRequestFields: c.Limits.Fields, &s.HTTP.LimitRequestFieldSize: c.Limits.Size,
		} {
			if set != nil {
				*limit = *set
			}
		}
	}
}

// TestCorpusWithSettings sends what TestCorpus leaves out: each connection gets
// exactly the answer that is written beside it.
func TestCorpusWithSettings(t *testing.T) {
	t.Parallel()
	for _, c := range settingsCases(t) {
		w := &witness{}
		for name, app := range w.apps() {
			tc := serveApp(t, app, c.configure(proxied4(t)))
			raw := withHost(c.bytes())
			for _, piece := range []int{len(raw), 1} {
				what := fmt.Sprintf("%s %s in pieces of %d (%s%s)", name, c.Name, piece, c.Error, c.Why)
				codes := statuses(exchangeRaw(t, tc.addr, raw, piece))
				seen := w.take()
				if c.Status != 0 {
					// A reset may cost a refused client the answer, never more.
					if len(seen) > 0 || len(codes) > 1 || len(codes) == 1 && codes[0] != strconv.Itoa(c.Status) || len(codes) == 0 && piece == len(raw) {
						t.Errorf("%s: statuses %v, want %d; the handler saw %q", what, codes, c.Status, seen)
					}
					continue
				}
				if fmt.Sprint(seen) != fmt.Sprint(wanted(c.corpusCase)) || len(codes) != len(c.Requests) ||
					slices.ContainsFunc(codes, func(s string) bool { return s != strconv.Itoa(http.StatusOK) }) {
					t.Errorf("%s: statuses %v, the handler saw %.300q", what, codes, seen)
				}
				if w.variants {
					t.Errorf("%s: the handler saw a name with an underscore", what)
				}
				if c.Client != "" && w.client != c.Client {
					t.Errorf("%s: the client is %s, want %s", what, w.client, c.Client)
				}
			}
		}
	}
}

// Every connection of the catalogue is in one of the two files.
func TestCorpusIsWhole(t *testing.T) {
	t.Parallel()
	const catalogue = 137
	names := map[string]bool{}
	for _, c := range corpus(t) {
		names[c.Name] = true
	}
	for _, c := range settingsCases(t) {
		names[c.Name] = true
		if (c.Status == 0) == (len(c.Requests) == 0) {
			t.Errorf("%s is neither refused nor served, or both", c.Name)
		}
		if valid := strings.HasPrefix(c.Name, "valid/"); valid != (c.Status == 0) && c.Why == "" {
			t.Errorf("%s differs from Gunicorn for no reason", c.Name)
		}
	}
	if len(names) != catalogue {
		t.Errorf("%d connections, want %d", len(names), catalogue)
	}
}
