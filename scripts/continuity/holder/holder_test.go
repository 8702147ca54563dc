package holder

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// start runs a holder in this process.
func start(t *testing.T) (order func(Order) Answer) {
	t.Helper()
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Serve(inRead, outWrite) }()
	t.Cleanup(func() {
		_ = inWrite.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	orders, answers := json.NewEncoder(inWrite), json.NewDecoder(outRead)
	return func(o Order) (a Answer) {
		t.Helper()
		if err := orders.Encode(o); err != nil {
			t.Fatal(err)
		}
		if err := answers.Decode(&a); err != nil {
			t.Fatal(err)
		}
		return a
	}
}

func TestHolder(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
	}))
	defer server.Close()
	order := start(t)
	const n = 70
	a := order(Order{Open: n, Addr: strings.TrimPrefix(server.URL, "http://")})
	if a.Requests != n || a.Outcomes[testproc.OK] != n {
		t.Fatalf("%+v", a)
	}
	run := Order{Run: 200 * time.Millisecond, Rate: 500}
	if a = order(run); a.Outcomes[testproc.OK] < 50 || a.Requests > 140 || a.Reconnects != 0 || len(a.Latencies) != a.Requests {
		t.Errorf("%+v", a)
	}
	server.CloseClientConnections()
	if a = order(run); a.Reconnects == 0 {
		t.Errorf("closed connections were not noticed: %+v", a)
	}
	server.Close()
	if a = order(run); a.Outcomes[testproc.Refused] == 0 || len(a.Failures) == 0 {
		t.Errorf("a closed server was not noticed: %+v", a)
	}
}

func TestGarbageEndsIt(t *testing.T) {
	if err := Serve(strings.NewReader("no order"), io.Discard); err == nil {
		t.Error("garbage was accepted")
	}
}
