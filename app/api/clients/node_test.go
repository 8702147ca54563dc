package clients

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/internal/testproc"
)

// nodeEnv names the folder in which scripts/test-clients.sh has installed the client.
const nodeEnv = "WEBCHASOR_NODE_CLIENTS"

// byModel answers as the request's model says, and counts.
type byModel struct {
	mu    sync.Mutex
	asked map[string]int
}

func (b *byModel) answer(r upstreamtest.Request) upstreamtest.Answer {
	b.mu.Lock()
	b.asked[r.Model]++
	first := b.asked[r.Model] == 1
	b.mu.Unlock()
	kind, status, _ := strings.Cut(r.Model, "-")
	code, _ := strconv.Atoi(status)
	switch kind {
	case "tool":
		return upstreamtest.Answer{Tool: "weather", Arguments: `{"city":"Ulm"}`}
	case "endless":
		return upstreamtest.Answer{Text: "one two three", StallAfter: 2}
	case "silent":
		return upstreamtest.Answer{StallAfter: -1}
	case "fails":
		return upstreamtest.Answer{Status: code}
	case "breaks":
		if status == "inside" {
			return upstreamtest.Answer{Text: "one two three four", BreakAfter: 3, BreakInside: true}
		}
		return upstreamtest.Answer{BreakAfter: -1}
	case "later":
		if first {
			return upstreamtest.Answer{Status: code, RetryAfter: "1"}
		}
		return upstreamtest.Answer{Text: "at last"}
	}
	return upstreamtest.Answer{Text: "one two three"}
}

func (b *byModel) count(model string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[model]
}

// TestNodeClient: OpenAI's client for Node, which many of our clients' clients are.
func TestNodeClient(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(nodeEnv)
	if dir == "" {
		t.Skip("run scripts/test-clients.sh: it installs OpenAI's Node client, for which " + nodeEnv + " is not set")
	}
	up, models := upstreamServer(t), &byModel{asked: map[string]int{}}
	up.Script(models.answer)
	p, addr := serve(t, testproc.Options{Env: []string{"WEB_WORKERS=2", "OPENAI_BASE_URL=" + up.URL(), "OPENAI_RETRIES=0"}})

	full := func(status string) string {
		_, addr := serve(t, testproc.Options{Env: []string{
			"WEB_WORKERS=1", "OPENAI_BASE_URL=" + up.URL(), "LLM_CONCURRENT_LIMIT=1", "QUEUE_SIZE=0", "FULL_STATUS=" + status,
		}})
		return "WEBCHASOR_FULL_" + status + "=http://" + addr + "/v1"
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "openai.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "WEBCHASOR_URL=http://"+addr+"/v1", full("503"), full("429"))
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	for _, model := range []string{"later-429", "later-503"} {
		if n := models.count(model); n != 2 {
			t.Errorf("%s reached the upstream %d times, want 2", model, n)
		}
	}
	testproc.Eventually(t, patience, testproc.Every, func() bool {
		return up.Active() == 0 // of the one that is aborted before its answer, we may be too slow to see it
	}, "the upstream is left by both that were aborted")
	if n := models.count("endless"); n != 1 {
		t.Errorf("the aborted stream reached the upstream %d times, want 1", n)
	}
	p.Stop(0)
}
