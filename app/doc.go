// Package app is the front door: it turns a handler into a pre-forking service
// with supervision, zero-downtime reload and upgrade.
//
//	func main() {
//		app.Main(app.FastHTTP(handler))
//	}
//
// The same binary is master, worker and command line: [Main] picks the role.
// Call it first in main; a worker process runs main from its beginning too.
package app
