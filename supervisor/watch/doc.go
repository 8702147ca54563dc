// Package watch tells when the content of configuration files has changed.
//
// Files are saved in many ways: renamed over, truncated and written, deleted
// and created, or swapped by a symbolic link far up the path (Kubernetes'
// ..data, a "current" release). A watch on the file itself dies at the first of
// them, so the directories are watched: the one that holds the file, and each
// one that holds a symbolic link on the way to it.
//
// What happened there does not matter: after a quiet moment the files are read
// again, and only different content counts. So each save is one notification,
// a touch is none, and a file that is away is none until it is back.
package watch
