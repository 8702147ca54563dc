package watch

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
)

// Digest identifies the content of a file. The zero Digest means that there
// was no file.
type Digest [sha256.Size]byte

// Sum is the Digest of content that has been loaded, for [Options.Baseline].
func Sum(content []byte) Digest { return sha256.Sum256(content) }

var empty = Sum(nil)

// maxRead bounds how much of a file counts.
const maxRead = 64 << 20

var errNotRegular = errors.New("not a regular file")

// read returns the digest of a file's content. Anything but a regular file is
// an error, because reading a pipe would block.
func read(path string) (Digest, error) {
	i, err := os.Stat(path)
	if err != nil {
		return Digest{}, err
	}
	if !i.Mode().IsRegular() {
		return Digest{}, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return Digest{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxRead)); err != nil {
		return Digest{}, err
	}
	return Digest(h.Sum(nil)), nil
}
