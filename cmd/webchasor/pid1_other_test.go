//go:build !linux

package main

import "errors"

const appPIDOne = "pid1"

func becomePIDOne() error { return errors.New("pid namespaces are Linux's") }
