package config

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What configs/ deploys is loaded here as the program will find it: a manifest
// that is valid for its own tool may still ask for what we refuse, or for an
// admin address that no probe reaches.

// deployFile is a file of configs/.
func deployFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../configs", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// deployed loads settings without a word of the machine that the test is on.
func deployed(t *testing.T, file string, environ []string) *Resolved {
	t.Helper()
	file, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Load(Input{File: file, Environ: environ, Dir: t.TempDir(), CPUs: 4})
	if err != nil {
		t.Fatalf("the program refuses it: %v", err)
	}
	for _, hint := range out.Hints {
		t.Errorf("the program has something to say: %s", hint)
	}
	return out
}

// manifest is what a test needs of any object of Kubernetes.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Template struct {
			Spec struct{ Containers []container }
		}
	}
}

type container struct {
	Name  string
	Args  []string
	Env   []struct{ Name, Value string }
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	ReadinessProbe struct {
		HTTPGet struct{ Port string } `yaml:"httpGet"`
	} `yaml:"readinessProbe"`
}

func manifests(t *testing.T) (all []manifest) {
	t.Helper()
	documents := yaml.NewDecoder(bytes.NewReader(deployFile(t, "kubernetes.yaml")))
	for {
		var m manifest
		if err := documents.Decode(&m); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// api is the container that runs the program.
func api(t *testing.T, all []manifest) container {
	t.Helper()
	for _, m := range all {
		for _, c := range m.Spec.Template.Spec.Containers {
			if m.Kind == "Deployment" && c.Name == "api" {
				return c
			}
		}
	}
	t.Fatal("no Deployment with a container named api")
	return container{}
}

func TestKubernetesManifestIsAccepted(t *testing.T) {
	all := manifests(t)
	c := api(t, all)
	var environ []string
	for _, e := range c.Env {
		environ = append(environ, e.Name+"="+e.Value)
	}
	file := filepath.Join(t.TempDir(), "webchasor.yaml")
	for _, m := range all {
		if text, ok := m.Data["webchasor.yaml"]; ok && m.Kind == "ConfigMap" {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	s := deployed(t, file, environ).Settings

	// The kubelet comes from outside the pod's loopback.
	host, port, err := net.SplitHostPort(string(s.Admin.Bind))
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.IsLoopback() {
		t.Errorf("the probes ask the pod's address, and the admin address is %q", s.Admin.Bind)
	}
	wanted := map[string]string{"admin": port}
	_, wanted["http"], _ = strings.Cut(s.Bind[0], ":")
	for _, p := range c.Ports {
		if want := wanted[p.Name]; strconv.Itoa(p.ContainerPort) != want {
			t.Errorf("the port %s is %d, the program listens on %s", p.Name, p.ContainerPort, want)
		}
	}
	if got := c.ReadinessProbe.HTTPGet.Port; got != "admin" {
		t.Errorf("the readiness probe asks the port %s, not the master", got)
	}
}

func TestComposeFileIsAccepted(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Image       string
			Environment []string
		}
	}
	if err := yaml.Unmarshal(deployFile(t, "docker-compose.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	service, ok := file.Services["webchasor-api"]
	if !ok || len(service.Environment) == 0 {
		t.Fatal("no service webchasor-api with an environment")
	}
	deployed(t, "../../configs/webchasor.yaml", append(service.Environment, imageEnviron(t)...))
}

// imageEnviron is the ENV of the Dockerfile.
func imageEnviron(t *testing.T) (environ []string) {
	t.Helper()
	for line := range strings.Lines(string(deployFile(t, "Dockerfile"))) {
		if rest, ok := strings.CutPrefix(line, "ENV "); ok {
			environ = append(environ, strings.Fields(rest)...)
		}
	}
	return environ
}

// TestUnitIsAccepted: Environment= of the unit, and what its directories set.
func TestUnitIsAccepted(t *testing.T) {
	var environ []string
	for line := range strings.Lines(string(deployFile(t, "webchasor.service"))) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "Environment":
			environ = append(environ, strings.Fields(value)...)
		case "RuntimeDirectory": // systemd.exec(5)
			environ = append(environ, "RUNTIME_DIRECTORY=/run/"+value)
		case "StateDirectory":
			environ = append(environ, "STATE_DIRECTORY=/var/lib/"+value)
		case "LogsDirectory":
			environ = append(environ, "LOGS_DIRECTORY=/var/log/"+value)
		case "ConfigurationDirectory":
			environ = append(environ, "CONFIGURATION_DIRECTORY=/etc/"+value)
		}
	}
	if len(environ) == 0 {
		t.Fatal("the unit has no directories")
	}
	deployed(t, "../../configs/webchasor.yaml", environ)
}
