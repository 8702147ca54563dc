package api

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/internal/config"
)

func TestModelsOfUpstreams(t *testing.T) {
	up, _, client := behind(t, func(s *config.API) { s.Echo.Enabled = "true" })
	up.Answer(upstreamtest.Answer{Body: `{"object":"list","data":[{"id":"gpt-x","object":"model","created":5,"owned_by":"them","new_field":1e3}]}`})
	resp, body := send(t, client, "GET", "/v1/models", nil)
	if resp.StatusCode != 200 || !strings.Contains(body, `"id":"echo"`) || !strings.Contains(body, `"new_field":1e3`) {
		t.Errorf("models: %d %s", resp.StatusCode, body)
	}
	resp, body = send(t, client, "GET", "/v1/models/gpt-x", nil)
	if resp.StatusCode != 200 || !strings.Contains(body, `"owned_by":"them"`) {
		t.Errorf("a model: %d %s", resp.StatusCode, body)
	}
	// With an upstream there is no default model.
	if resp, body = post(t, client, "/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}]}`); resp.StatusCode != 400 || !strings.Contains(body, `"param":"model"`) {
		t.Errorf("no model: %d %s", resp.StatusCode, body)
	}
}

// TestModelsOfAKey: a client sees the models that its key may use, the built-in and the
// upstream's, and no other.
func TestModelsOfAKey(t *testing.T) {
	sum := func(key string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(key))) }
	up, _, client := behind(t, func(s *config.API) {
		s.Echo.Enabled = "true"
		s.Keys = []config.ClientKey{
			{Name: "built-in", SHA256: sum("sk-echo"), Models: []string{"echo"}},
			{Name: "theirs", SHA256: sum("sk-gpt"), Models: []string{"gpt-*"}},
		}
	})
	up.Answer(upstreamtest.Answer{Body: `{"object":"list","data":[{"id":"gpt-x","object":"model"},{"id":"other","object":"model"}]}`})
	for key, want := range map[string]string{"sk-echo": "echo", "sk-gpt": "gpt-x"} {
		auth := "Authorization: Bearer " + key
		_, list := send(t, client, "GET", "/v1/models", nil, auth)
		for _, id := range []string{"echo", "gpt-x", "other"} {
			if strings.Contains(list, `"id":"`+id+`"`) != (id == want) {
				t.Errorf("%s: the list is %s, want %s alone", key, list, want)
			}
			status := http.StatusNotFound
			if id == want {
				status = http.StatusOK
			}
			if resp, body := send(t, client, "GET", "/v1/models/"+id, nil, auth); resp.StatusCode != status {
				t.Errorf("%s: %s: %d %s, want %d", key, id, resp.StatusCode, body, status)
			}
		}
	}
}
