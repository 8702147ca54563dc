package measure

import "testing"

func TestParseWrk(t *testing.T) {
	const report = `Running 5s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     0.91ms    1.02ms  12.01ms   88.10%
    Req/Sec    84.11k     2.20k   90.00k    70.00%
  420543 requests in 5.01s, 60.56MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  83940.72
Transfer/sec:     12.09MB
`
	got, err := ParseWrk(report)
	if want := (Wrk{Requests: 420543, PerSecond: 83940.72, Errors: 15}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := ParseWrk("unable to connect"); err == nil {
		t.Error("a report without figures was read")
	}
}

func TestMedian(t *testing.T) {
	cases := map[float64][]float64{2: {3, 1, 2}, 2.5: {4, 1, 2, 3}, 7: {7}, 0: nil}
	for want, values := range cases {
		if got := Median(values); got != want {
			t.Errorf("median of %v is %v, want %v", values, got, want)
		}
	}
}
