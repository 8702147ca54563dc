// Package config turns flags, env-files, the environment and a YAML file into
// one validated [Settings] value.
//
// [Table] is the single description of every setting: the flags, environment
// names, YAML keys, help texts, the README's table and configs/webchasor.yaml
// are all derived from it.
//
// The order is flag > environment > YAML file > default. Env-files belong to
// the environment layer, and there they win over the process environment: the
// environment of a running process is frozen, while an env-file can be edited
// and re-read by a reload. Of several env-files, the last one wins. An empty
// value in the environment or an env-file counts as not set.
//
// [Load] does not stop at the first mistake; [Errors] lists them all.
package config
