// Command manifests validates the files for Docker Compose and Kubernetes
// against the schema and the API's own types. It is a module of its own, so
// that webchasor does not depend on either.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// kinds are the objects that the Kubernetes file may have.
var kinds = map[string]func() any{
	"v1/ConfigMap":                           func() any { return &corev1.ConfigMap{} },
	"v1/Service":                             func() any { return &corev1.Service{} },
	"apps/v1/Deployment":                     func() any { return &appsv1.Deployment{} },
	"policy/v1/PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"autoscaling/v2/HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
}

func main() {
	err := errors.Join(compose("../../configs/docker-compose.yaml"), kubernetes("../../configs/kubernetes.yaml"),
		kubernetes("../../configs/kubernetes-redis.yaml"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compose(path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("webchasor"))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	fmt.Printf("%s: %d services, valid\n", path, len(project.Services))
	return nil
}

func kubernetes(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for n := 0; ; n++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			fmt.Printf("%s: %d objects, valid\n", path, n)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(document, &kind); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		name := kind.APIVersion + "/" + kind.Kind
		object := kinds[name]
		if object == nil {
			return fmt.Errorf("%s: object %d: %s is not among those that are checked", path, n, name)
		}
		// Strict: an unknown field is a misspelt one.
		if err := yaml.UnmarshalStrict(document, object()); err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
	}
}
