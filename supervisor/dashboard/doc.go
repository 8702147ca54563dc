// Package dashboard is the page for people: three embedded files that load
// nothing from elsewhere, and the stream of updates they live on.
package dashboard
