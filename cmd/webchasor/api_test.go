package main

import (
	"encoding/json"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestServe is the program as a user meets it first.
func TestServe(t *testing.T) {
	t.Parallel()
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{"WEB_WORKERS=3", "WORKER_CONNECTIONS=200"}})
	addr := p.Up()
	for _, want := range []string{"workers: 3", "connections per worker: 200", "timeout: ", "backlog: ", "max requests: ", "total capacity: 600"} {
		wantLine(t, p, 0, testproc.Text(want), "the summary's "+want)
	}
	wantLine(t, p, 0, testproc.Text("workers: 3", "WEB_WORKERS"), "where the number of workers came from")

	for _, path := range []string{"/", "/health", "/ready", "/v1/models"} {
		if res := testproc.Get(t, addr, path); !json.Valid([]byte(res.Body)) {
			t.Errorf("%s: not JSON: %s", path, res.Body)
		}
	}
	client := testproc.Client{Addr: addr}
	defer client.Close()
	const question = `{"model":"echo","messages":[{"role":"user","content":"fourteen birds"}]`
	if res := client.Post("/v1/chat/completions", question+"}"); !strings.Contains(res.Body, "fourteen birds") {
		t.Errorf("the echo does not repeat: %v", res)
	}
	if res := client.Post("/v1/chat/completions", "{"); res.Status != 400 || !strings.Contains(res.Body, `"error"`) {
		t.Errorf("bad JSON gave %v", res)
	}
	if res := client.Get("/nowhere"); res.Status != 404 || !strings.Contains(res.Body, `"error"`) {
		t.Errorf("an unknown route gave %v", res)
	}
	expectChatStream(t, client.Stream(t, "POST", "/v1/chat/completions", question+`,"stream":true}`), "fourteen birds")
	p.Stop(0)
}

// expectChatStream reads a chat stream to its end.
func expectChatStream(t *testing.T, events *testproc.Events, want string) {
	t.Helper()
	var text strings.Builder
	last := ""
	for {
		data, err := events.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %q: %v", text.String(), err)
		}
		if last = data; data == "[DONE]" {
			continue
		}
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(data), &chunk); err != nil {
			t.Fatalf("not JSON: %q", data)
		}
		for _, choice := range chunk.Choices {
			text.WriteString(choice.Delta.Content)
		}
	}
	if text.String() != want || last != "[DONE]" {
		t.Errorf("streamed %q, ended by %q", text.String(), last)
	}
}

// TestChatStreamSurvivesAReload: the promise, on the real API.
func TestChatStreamSurvivesAReload(t *testing.T) {
	t.Parallel()
	p := startWith(t, testproc.Options{App: appAPI, Env: []string{"ECHO_TOKEN_DELAY=0.1", "ECHO_TOKENS=20"}})
	addr := p.Up()
	old := p.WaitWorkers(2)
	client := testproc.Client{Addr: addr}
	defer client.Close()
	events := client.Stream(t, "POST", "/v1/chat/completions", `{"model":"echo","stream":true,"messages":[{"role":"user","content":"word"}]}`)
	if _, err := events.Next(); err != nil {
		t.Fatal(err)
	}
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	chunks, last := 1, ""
	for {
		data, err := events.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("after %d chunks: %v", chunks, err)
		}
		chunks, last = chunks+1, data
	}
	if chunks < 20 || last != "[DONE]" {
		t.Errorf("%d chunks, ended by %q", chunks, last)
	}
	p.WaitReplaced(old, 2)
	p.Stop(0)
}

// TestCheckAndConfigPrint: the two commands that start nothing.
func TestCheckAndConfigPrint(t *testing.T) {
	cases := map[string]struct {
		args []string
		env  []string
		code int
		says string
	}{
		"check":        {[]string{"check"}, nil, 0, ""},
		"check fails":  {[]string{"check"}, []string{"WEB_WORKERS=none"}, 1, "WEB_WORKERS"},
		"config print": {[]string{"config", "print"}, []string{"WEB_WORKERS=5"}, 0, "WEB_WORKERS"},
		"no command":   {[]string{}, nil, 0, "serve"},
		"misspelt":     {[]string{"serv"}, nil, 1, "serve"},
		"bad flag":     {[]string{"serve", "--worker=3"}, nil, 1, "worker"},
		"missing file": {[]string{"serve", "-c", "missing.yaml"}, nil, 1, "missing.yaml"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startWith(t, testproc.Options{App: appAPI, Args: c.args, Env: c.env})
			p.ExpectExit(c.code)
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool {
				return strings.Contains(p.Out.String()+p.Log.String(), c.says)
			}, "the output says "+c.says)
		})
	}
}
