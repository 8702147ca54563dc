package worker

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"
)

// An uploaded file that the handler had written to disk is gone after the answer.
func TestUploadsLeaveNoFiles(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	onDisk := make(chan int, 1)
	tc := serveApp(t, App{HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseMultipartForm(1); err != nil {
			t.Error(err)
		}
		files, _ := os.ReadDir(dir)
		onDisk <- len(files)
	})}, anything)
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "large")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(part, strings.Repeat("x", 64<<10))
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	c := tc.dial()
	c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", form.FormDataContentType(), body.Len(), body.String()))
	c.want(200)
	if n := wait(t, "the handler", onDisk); n != 1 {
		t.Fatalf("the handler had %d files on disk, so this shows nothing", n)
	}
	eventually(t, "the file's removal", func() bool {
		files, err := os.ReadDir(dir)
		return err == nil && len(files) == 0
	})
}
