package sys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// OOMKills counts the processes of our own control group that the kernel
// killed for want of memory, and names the file that says so. The counter
// rises before the victim gets its SIGKILL (__oom_kill_process), so reading it
// at spawn and at death proves or disproves it. An error means: not provable.
func OOMKills() (count uint64, source string, err error) {
	return oomKills("/")
}

// oomKills looks below root, "/" on a real machine.
func oomKills(root string) (count uint64, source string, err error) {
	groups, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return 0, "", fmt.Errorf("cannot find our control group: %w", err)
	}
	mounts, err := os.ReadFile(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return 0, "", fmt.Errorf("cannot find our control group: %w", err)
	}
	files, err := oomFiles(string(groups), string(mounts))
	if err != nil {
		return 0, "", err
	}
	var failed []error
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if n, ok := keyedValue(text, "oom_kill"); ok {
			return n, f, nil
		}
		failed = append(failed, fmt.Errorf("%s has no oom_kill", f))
	}
	return 0, "", fmt.Errorf("cannot count out-of-memory kills: %w", errors.Join(failed...))
}

// oomFiles names the files with our counter, best first. On a hybrid machine
// the memory controller is on the v1 side, so v1 is asked first (cgroups(7)).
func oomFiles(groups, mounts string) ([]string, error) {
	for line := range strings.Lines(groups) {
		// hierarchy-ID:controller-list:cgroup-path
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) != 3 || !hasWord(part[1], "memory") {
			continue
		}
		dir, ok := cgroupDir(mounts, "cgroup", "memory", part[2])
		if !ok {
			return nil, errors.New("cannot count out-of-memory kills: the memory control groups (v1) are not mounted")
		}
		return []string{filepath.Join(dir, "memory.oom_control")}, nil
	}
	for line := range strings.Lines(groups) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		dir, ok := cgroupDir(mounts, "cgroup2", "", path)
		if !ok {
			return nil, errors.New("cannot count out-of-memory kills: the control groups (v2) are not mounted")
		}
		return []string{filepath.Join(dir, "memory.events.local"), filepath.Join(dir, "memory.events")}, nil
	}
	return nil, errors.New("cannot count out-of-memory kills: we are in no memory control group")
}

// cgroupDir finds where the group is visible in our mount namespace. A
// container may see a sub-tree only: then the mount's root is a prefix of the path.
func cgroupDir(mounts, fstype, option, path string) (string, bool) {
	for line := range strings.Lines(mounts) {
		// 36 35 98:0 ROOT MOUNTPOINT options [optional...] - FSTYPE source super-options (proc(5))
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		mount, fs := strings.Fields(left), strings.Fields(right)
		if !ok || len(mount) < 5 || len(fs) < 3 || fs[0] != fstype {
			continue
		}
		if option != "" && !hasWord(fs[2], option) {
			continue
		}
		at, below := unescape(mount[4]), unescape(mount[3])
		if below == "/" {
			return filepath.Join(at, path), true
		}
		if rest, ok := strings.CutPrefix(path, below); ok && (rest == "" || rest[0] == '/') {
			return filepath.Join(at, rest), true
		}
		// A namespaced path does not repeat the mount's root.
		return filepath.Join(at, path), true
	}
	return "", false
}

// unescape undoes the octal escapes of blanks and backslashes in mountinfo.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// keyedValue reads "key value" lines.
func keyedValue(text []byte, key string) (uint64, bool) {
	for line := range bytes.Lines(text) {
		fields := bytes.Fields(line)
		if len(fields) != 2 || string(fields[0]) != key {
			continue
		}
		n, err := strconv.ParseUint(string(fields[1]), 10, 64)
		return n, err == nil
	}
	return 0, false
}
