package clients

import (
	"os"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/webchasor/webchasor/app"
	"github.com/webchasor/webchasor/app/api"
	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
	"github.com/webchasor/webchasor/internal/testproc"
)

// TestMain makes the test binary the program under test.
func TestMain(m *testing.M) {
	if os.Getenv(testproc.AppEnv) != "" {
		app.Main(api.New())
	}
	os.Exit(m.Run())
}

// patience bounds the wait for what a busy machine does late.
const patience = 30 * time.Second

// serve starts the gateway and returns its address.
func serve(t *testing.T, o testproc.Options) (*testproc.Process, string) {
	t.Helper()
	o.App = "api"
	o.Env = append([]string{"MAX_REQUESTS=0", "GRACEFUL_TIMEOUT=8", "BOOT_TIMEOUT=30"}, o.Env...)
	p := testproc.Start(t, o)
	return p, p.Up()
}

func upstreamServer(t *testing.T) *upstreamtest.Server {
	t.Helper()
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	return up
}

// client is OpenAI's own.
func client(addr, key string, options ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL("http://" + addr + "/v1"), option.WithAPIKey(key), option.WithMaxRetries(0),
	}, options...)...)
}
