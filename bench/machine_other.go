//go:build !linux

package main

import (
	"runtime"
	"time"
)

// What only Linux tells is left out elsewhere.

func cpuOf(int) time.Duration { return 0 }

func cpuExactly(int) time.Duration { return 0 }

func memoryOf(int) (peak, now int64, ok bool) { return 0, 0, false }

func inMemory(string) bool { return false }

func kernel() string { return runtime.GOOS }

func processor() string { return "" }
