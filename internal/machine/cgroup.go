package machine

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// cgroupDirs lists the directories of our cgroup and its ancestors, leaf
// first, as far as they are mounted: a limit of any of them binds us.
// controller "" is the unified hierarchy (cgroups(7), version 2).
func cgroupDirs(root, controller string) []string {
	own, ok := ownCgroup(root, controller)
	if !ok {
		return nil
	}
	top, point, ok := cgroupMount(root, controller)
	if !ok {
		return nil
	}
	// A container without a cgroup namespace sees its path from the host's
	// root, but only the part below the mount's root is there.
	rel, below := strings.CutPrefix(path.Clean(own), strings.TrimSuffix(top, "/"))
	if !below || rel != "" && rel[0] != '/' {
		rel = "/"
	}
	var dirs []string
	for dir := path.Clean("/" + rel); ; dir = path.Dir(dir) {
		dirs = append(dirs, path.Join(point, dir))
		if dir == "/" {
			return dirs
		}
	}
}

// ownCgroup reads hierarchy:controllers:path lines of /proc/self/cgroup.
func ownCgroup(root, controller string) (string, bool) {
	for line := range strings.Lines(readText(root, "proc/self/cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		unified := parts[0] == "0" && parts[1] == ""
		if controller == "" && unified || controller != "" && slices.Contains(strings.Split(parts[1], ","), controller) {
			return parts[2], true
		}
	}
	return "", false
}

// cgroupMount finds where a hierarchy is mounted and which part of it, in
// /proc/self/mountinfo (proc(5): root is field 4, mount point 5; after the
// separator come type, source and the options that name version 1's controllers).
func cgroupMount(root, controller string) (top, point string, ok bool) {
	for line := range strings.Lines(readText(root, "proc/self/mountinfo")) {
		left, right, found := strings.Cut(line, " - ")
		fields, after := strings.Fields(left), strings.Fields(right)
		if !found || len(fields) < 5 || len(after) < 3 {
			continue
		}
		v2 := controller == "" && after[0] == "cgroup2"
		v1 := controller != "" && after[0] == "cgroup" && slices.Contains(strings.Split(after[2], ","), controller)
		if v1 || v2 {
			return fields[3], fields[4], true
		}
	}
	return "", "", false
}

// cpuQuota is the smallest CPU quota that binds us, or 0.
func cpuQuota(root string) float64 {
	least := 0.0
	take := func(quota, period string) {
		q, err1 := strconv.ParseFloat(quota, 64)
		p, err2 := strconv.ParseFloat(period, 64)
		if err1 == nil && err2 == nil && q > 0 && p > 0 && (least == 0 || q/p < least) {
			least = q / p
		}
	}
	for _, dir := range cgroupDirs(root, "") {
		if f := strings.Fields(readText(root, dir+"/cpu.max")); len(f) == 2 {
			take(f[0], f[1]) // "max" does not parse: no limit
		}
	}
	for _, dir := range cgroupDirs(root, "cpu") {
		quota := readText(root, dir+"/cpu.cfs_quota_us")
		period := readText(root, dir+"/cpu.cfs_period_us")
		take(strings.TrimSpace(quota), strings.TrimSpace(period)) // -1: no limit
	}
	return least
}

// MemoryQuota returns the smallest limit of memory that a cgroup sets us, in
// bytes, or 0.
func MemoryQuota() int64 { return memoryQuota("/") }

// memoryQuota is the smallest memory limit that binds us, or 0. Version 1
// writes a number near 2^63 for no limit, which no machine has.
func memoryQuota(root string) int64 {
	least := int64(0)
	take := func(text string) {
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) {
			least = n
		}
	}
	for _, dir := range cgroupDirs(root, "") {
		take(readText(root, dir+"/memory.max"))
	}
	for _, dir := range cgroupDirs(root, "memory") {
		take(readText(root, dir+"/memory.limit_in_bytes"))
	}
	return least
}
