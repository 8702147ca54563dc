package metrics

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
)

// inspect shows the families to the library's strictest registry, which
// complains of series that are there twice, or unlike what their family declares.
func inspect(t testing.TB, families []*dto.MetricFamily) {
	t.Helper()
	strict := prometheus.NewPedanticRegistry()
	if err := strict.Register(gathered(families)); err != nil {
		t.Fatal(err)
	}
	again, err := strict.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(again) != len(families) {
		t.Errorf("%d families of %d are whole", len(again), len(families))
	}
	for i, f := range families {
		if again[i].GetName() != f.GetName() {
			t.Fatalf("the families are not in order: %s comes before %s", f.GetName(), again[i].GetName())
		}
		if again[i].GetType() != f.GetType() || len(again[i].GetMetric()) != len(f.GetMetric()) {
			t.Errorf("%s has %d series of type %v, and %d of type %v were asked for", f.GetName(),
				len(again[i].GetMetric()), again[i].GetType(), len(f.GetMetric()), f.GetType())
		}
	}
}

// gathered makes a collector of what was gathered.
type gathered []*dto.MetricFamily

func (g gathered) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descs {
		out <- prometheus.NewDesc(d.name, d.help, d.labels, nil)
	}
}

func (g gathered) Collect(out chan<- prometheus.Metric) {
	for _, f := range g {
		i := slices.IndexFunc(descs, func(d *family) bool { return d.name == f.GetName() })
		for _, m := range f.GetMetric() {
			out <- series{prometheus.NewDesc(descs[i].name, descs[i].help, descs[i].labels, nil), m}
		}
	}
}

type series struct {
	desc *prometheus.Desc
	m    *dto.Metric
}

func (r series) Desc() *prometheus.Desc { return r.desc }

func (r series) Write(out *dto.Metric) error {
	proto.Merge(out, r.m)
	return nil
}

// Whoever can take it compressed gets it so, the others plain, and both the same.
func TestScrapesAreCompressedForThoseWhoTakeIt(t *testing.T) {
	l := newLedger(t)
	h := Handler(source(l, full(8)))
	scrape := func(accept string) *http.Response {
		ask := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		ask.Header.Set("Accept-Encoding", accept)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, ask)
		return answer.Result()
	}
	plain, packed := scrape("identity"), scrape("gzip")
	if plain.Header.Get("Content-Encoding") != "" || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("encodings %q and %q", plain.Header.Get("Content-Encoding"), packed.Header.Get("Content-Encoding"))
	}
	if a, b := plain.Header.Get("Content-Type"), packed.Header.Get("Content-Type"); a != b || !strings.Contains(a, "version=") {
		t.Errorf("types %q and %q", a, b)
	}
	unpacked, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	a, errA := io.ReadAll(plain.Body)
	b, errB := io.ReadAll(unpacked)
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%d bytes plain, %d unpacked, %v %v", len(a), len(b), errA, errB)
	}
}
