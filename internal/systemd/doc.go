// Package systemd speaks to the service manager: what it is told
// (sd_notify(3)), the sockets it opened for us (sd_listen_fds(3)), and the
// descriptors it keeps while we are dead (FileDescriptorStoreMax= in
// systemd.service(5)).
//
// The protocol is one datagram a message. It is spoken here and not by
// go-systemd, because the master's only loop sends these messages: each is
// bounded in time, whatever the manager does, and some carry descriptors.
package systemd
