package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// keep is the keep-alive timeout, in seconds, where the default is shorter
// than the clients think.
const keep = "60"

// catalog is everybody that is compared, with n processes each unless the
// name says otherwise.
func catalog(n int) []peer {
	uwsgi := []string{
		"--plugin", "python3", "--master", "--threads", "32", "--disable-logging", "--die-on-term", "--listen", "1024",
		// A worker leaves when all its threads are done, and kept connections keep them; by default it may take 60 s.
		"--worker-reload-mercy", "5",
	}
	peers := []peer{
		{
			name: "webchasor", version: nil, note: "all defaults but MAX_REQUESTS=0", reload: syscall.SIGHUP, supervised: true,
			command: func(p place) command {
				return command{binary: p.built.ours, env: []string{"MAX_REQUESTS=0", "BIND=" + p.address(), "WEB_WORKERS=" + strconv.Itoa(p.workers)}}
			},
		},
		{
			name: "fasthttp", note: "`scripts/bench/bare`: a SO_REUSEPORT socket per process, GOMAXPROCS=1 each, nobody supervises",
			command: func(p place) command { return goProgram(p, p.built.bare, "GOMAXPROCS=1") },
		},
		{
			name: "prefork", note: "`fasthttp/prefork`, inherited listener (its default), threshold of dead children raised", supervised: true,
			command: func(p place) command {
				return command{binary: p.built.prefork, args: []string{}, env: []string{"GOMAXPROCS=" + strconv.Itoa(p.workers), "PEER_PORT=" + strconv.Itoa(p.port)}}
			},
		},
		{
			name: "nginx", needs: []string{"nginx"}, version: []string{"nginx", "-v"}, reload: syscall.SIGHUP, supervised: true,
			note: "answers by `return`, unlimited keepalive_requests",
			command: func(p place) command {
				return command{binary: "nginx", args: []string{"-e", "stderr", "-c", p.render("nginx.conf")}}
			},
		},
		{
			name: "haproxy", needs: []string{"haproxy"}, version: []string{"haproxy", "-v"}, reload: syscall.SIGUSR2, workers: 1,
			note: fmt.Sprintf("master and one worker process of %d threads, answers by `http-request return`; nobody replaces a dead worker", n),
			command: func(p place) command {
				p.workers = n
				return command{binary: "haproxy", args: []string{"-W", "-f", p.render("haproxy.cfg")}}
			},
		},
		gunicorn("gunicorn-sync", "sync", "app:wsgi", "no keep-alive: this worker closes after each answer"),
		gunicorn("gunicorn-gthread", "gthread", "app:wsgi", "64 threads a worker", "--threads", "64", "--keep-alive", keep),
		gunicorn("gunicorn-uvicorn", "uvicorn.workers.UvicornWorker", "app:asgi", "uvicorn's worker with uvloop and httptools", "--keep-alive", keep),
		{
			name: "uwsgi", needs: []string{"uwsgi"}, version: []string{"uwsgi", "--version"}, reload: syscall.SIGHUP, supervised: true,
			note: "http11-socket, 32 threads a worker, worker-reload-mercy 5 instead of 60",
			command: func(p place) command {
				return command{binary: "uwsgi", args: append(slices.Clone(uwsgi), "--processes", strconv.Itoa(p.workers),
					"--http11-socket", p.address(), "--chdir", p.apps(), "--module", "app:wsgi")}
			},
		},
		{
			name: "puma", needs: []string{"puma"}, version: []string{"puma", "--version"}, reload: syscall.SIGUSR1, supervised: true,
			note: "5 threads a worker (its default), phased restart",
			command: func(p place) command {
				return command{binary: "puma", args: []string{"-w", strconv.Itoa(p.workers), "-t", "5:5", "-b", "tcp://" + p.address(), "-e", "production", p.apps() + "/config.ru"}}
			},
		},
		{
			name: "node", needs: []string{"node"}, version: []string{"node", "--version"}, reload: syscall.SIGHUP, supervised: true,
			note: "cluster module; `scripts/peers/apps/cluster.js` replaces workers one at a time on HUP",
			command: func(p place) command {
				return command{binary: "node", args: []string{p.apps() + "/cluster.js"}, env: []string{"WEB_WORKERS=" + strconv.Itoa(p.workers), "PEER_PORT=" + strconv.Itoa(p.port)}}
			},
		},
	}
	// As many processes as cores suit those that are event loops; one process is what Go programs usually are.
	for _, more := range []struct {
		name    string
		workers int
		note    string
	}{{"webchasor", 2, ""}, {"fasthttp", 2, ""}, {"fasthttp", 1, "one process, GOMAXPROCS of the machine"}, {"nginx", 2, ""}} {
		p := peers[slices.IndexFunc(peers, func(p peer) bool { return p.name == more.name })]
		p.name, p.workers, p.speedOnly = fmt.Sprintf("%s-%d", p.name, more.workers), more.workers, true
		if more.note != "" {
			p.note = more.note
			p.command = func(at place) command { return goProgram(at, at.built.bare) }
		}
		peers = append(peers, p)
	}
	for i := range peers {
		if peers[i].workers == 0 {
			peers[i].workers = n
		}
	}
	return peers
}

// goProgram is a program of this module that is told its workers by
// environment and announces its address.
func goProgram(p place, binary string, env ...string) command {
	return command{binary: binary, env: append(env, "WEB_WORKERS="+strconv.Itoa(p.workers)), announces: true}
}

func gunicorn(name, class, app, note string, args ...string) peer {
	return peer{
		name: name, needs: []string{"gunicorn"}, version: []string{"gunicorn", "--version"},
		reload: syscall.SIGHUP, supervised: true, note: note,
		command: func(p place) command {
			return command{binary: "gunicorn", args: append([]string{
				"-w", strconv.Itoa(p.workers), "-b", p.address(), "-k", class, "--chdir", p.apps(), app,
			}, args...)}
		},
	}
}

// choose keeps the peers that are named, in the catalog's order; no name keeps all.
func choose(peers []peer, names []string) ([]peer, error) {
	if len(names) == 0 {
		return peers, nil
	}
	known := make([]string, 0, len(peers))
	for _, p := range peers {
		known = append(known, p.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no peer named %s; there are: %s", name, strings.Join(known, " "))
		}
	}
	return slices.DeleteFunc(peers, func(p peer) bool { return !slices.Contains(names, p.name) }), nil
}
