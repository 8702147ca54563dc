package identity

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
)

// Identity is a user with all groups. Nobody changes it.
type Identity struct {
	Name     string // the user's, or the number as text
	Home     string // "" if the user has no entry
	UID, GID uint32
	Groups   []uint32 // further ones
}

// Resolve returns as whom workers run when the settings user and group have
// these values, names or numbers. nil is the identity of this process: nothing
// is set, or it is that user already.
//
// Groups are those of initgroups(3): the user's own ones and the primary
// group, in whose place group comes if it is set.
func Resolve(userName, groupName string) (*Identity, error) {
	return resolve(userName, groupName, os.Geteuid(), os.Getegid())
}

func resolve(userName, groupName string, euid, egid int) (*Identity, error) {
	if userName == "" && groupName == "" {
		return nil, nil //nolint:nilnil // nobody else is an answer
	}
	if userName == "" {
		userName = strconv.Itoa(euid)
	}
	id, err := lookupUser(userName, groupName)
	if err != nil {
		return nil, err
	}
	if groupName != "" {
		if err := id.regroup(groupName); err != nil {
			return nil, err
		}
	}
	if euid != 0 {
		if int64(id.UID) == int64(euid) && int64(id.GID) == int64(egid) {
			return nil, nil //nolint:nilnil // it is that user already
		}
		return nil, fmt.Errorf("cannot run workers as user %s (%d:%d): this process is %d:%d and not root; start it as root, or leave user and group out",
			id.Name, id.UID, id.GID, euid, egid)
	}
	return id, nil
}

// lookupUser accepts a number that no user has, if a group is named too.
func lookupUser(name, group string) (*Identity, error) {
	u, err := user.Lookup(name)
	number, numeric := parseID(name)
	if err != nil && numeric {
		u, err = user.LookupId(name)
	}
	if err != nil && numeric {
		if group == "" {
			return nil, fmt.Errorf("cannot run workers as user %s: no user has that number, so its group is unknown; set group too", name)
		}
		return &Identity{Name: name, UID: number}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot run workers as user %s: %w; name a user of this machine, or a number", name, reason(err))
	}
	id := &Identity{Name: u.Username, Home: u.HomeDir}
	var ok1, ok2 bool
	id.UID, ok1 = parseID(u.Uid)
	id.GID, ok2 = parseID(u.Gid)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("cannot run workers as user %s: its numbers are %q and %q", name, u.Uid, u.Gid)
	}
	all, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("cannot find the groups of user %s: %w", name, reason(err))
	}
	for _, text := range all {
		if gid, ok := parseID(text); ok {
			id.Groups = append(id.Groups, gid)
		}
	}
	return id, nil
}

// regroup puts another group into the place of the user's primary one.
func (id *Identity) regroup(name string) error {
	g, err := user.LookupGroup(name)
	gid, numeric := parseID(name)
	if err == nil {
		gid, numeric = parseID(g.Gid)
	}
	if !numeric {
		return fmt.Errorf("cannot run workers with group %s: %w; name a group of this machine, or a number", name, reason(err))
	}
	id.Groups = slices.DeleteFunc(id.Groups, func(have uint32) bool { return have == id.GID || have == gid })
	id.Groups = append([]uint32{gid}, id.Groups...)
	id.GID = gid
	return nil
}

// parseID refuses 4294967295, which setresuid(2) takes for "leave it".
func parseID(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 32)
	return uint32(n), err == nil && n != 1<<32-1
}

// reason strips the package's name.
func reason(err error) error {
	if err == nil {
		return errors.New("it is no number")
	}
	if _, ok := errors.AsType[user.UnknownUserError](err); ok {
		return errors.New("there is no such user")
	}
	if _, ok := errors.AsType[user.UnknownGroupError](err); ok {
		return errors.New("there is no such group")
	}
	return err
}

// Credential is what a new process is given; nil for a nil Identity.
func (id *Identity) Credential() *syscall.Credential {
	if id == nil {
		return nil
	}
	return &syscall.Credential{Uid: id.UID, Gid: id.GID, Groups: id.Groups}
}

// Environ are the variables that name the user, as login(1) sets them.
func (id *Identity) Environ() []string {
	if id == nil {
		return nil
	}
	home := id.Home
	if home == "" {
		home = "/"
	}
	return []string{"HOME=" + home, "USER=" + id.Name, "LOGNAME=" + id.Name}
}
