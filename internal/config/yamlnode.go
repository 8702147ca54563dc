package config

import "go.yaml.in/yaml/v3"

// pair is one key of a mapping.
type pair struct {
	key, value *yaml.Node
	merged     bool // comes through a merge key
}

// pairs lists a mapping's own keys and after them those of its merge keys.
func (w *yamlWalk) pairs(node *yaml.Node) []pair {
	return w.collect(node, false, map[*yaml.Node]bool{})
}

// collect remembers the mappings on its way: an anchor may merge itself.
func (w *yamlWalk) collect(node *yaml.Node, merged bool, visited map[*yaml.Node]bool) []pair {
	visited[node] = true
	var own, others []pair
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], follow(node.Content[i+1])
		if key.ShortTag() != "!!merge" {
			own = append(own, pair{key: follow(key), value: value, merged: merged})
			continue
		}
		sources := []*yaml.Node{value}
		if value.Kind == yaml.SequenceNode {
			sources = value.Content
		}
		for _, source := range sources {
			source = follow(source)
			switch {
			case source.Kind != yaml.MappingNode:
				w.errorf(key.Line, "cannot merge %s with <<: it is not a section; name an anchor of a section", describe(source))
			case !visited[source]:
				others = append(others, w.collect(source, true, visited)...)
			}
		}
	}
	return append(own, others...)
}

// follow resolves aliases. An alias never names another alias.
func follow(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode && node.Alias != nil {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// describe names a node in a message: a scalar by its value.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	default:
		return node.Value
	}
}

func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}
