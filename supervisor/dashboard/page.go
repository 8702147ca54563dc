package dashboard

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var files embed.FS

// Page serves the page, its script, its style and its icon. Everything else is not found.
func Page() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		return http.NotFoundHandler() // a name that is no path; it is one
	}
	server := http.FileServerFS(page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/", "/dashboard.js", "/chart.js", "/dashboard.css", "/icon.svg":
			server.ServeHTTP(w, r)
		default:
			http.NotFound(w, r)
		}
	})
}
