package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticksPerSecond is the unit of times in /proc/PID/stat, the same on every Linux of today.
const ticksPerSecond = 100

// cpuOf is the processor time that a process has used so far, 0 if that cannot be told.
func cpuOf(pid int) time.Duration {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	ticks := int64(0)
	for _, f := range fields[11:13] { // utime and stime
		n, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// cpuExactly is like cpuOf, to the nanosecond where the kernel counts so finely. Threads that have ended are left out.
func cpuExactly(pid int) time.Duration {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	if err != nil {
		return cpuOf(pid)
	}
	sum := int64(0)
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		on, _, _ := strings.Cut(string(text), " ")
		if n, err := strconv.ParseInt(on, 10, 64); err == nil {
			sum += n
		}
	}
	if sum == 0 {
		return cpuOf(pid)
	}
	return time.Duration(sum)
}

// memoryOf is the resident memory of a process in bytes: the most so far, and now.
func memoryOf(pid int) (peak, now int64, ok bool) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, 0, false
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmHWM":
			peak = kib << 10
		case "VmRSS":
			now = kib << 10
		}
	}
	return peak, now, peak > 0
}

const tmpfsMagic = 0x01021994

// inMemory reports whether a folder lies on a file system that keeps nothing on a disk.
func inMemory(dir string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(dir, &fs) == nil && fs.Type == tmpfsMagic
}

// kernel names the operating system and its version.
func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "Linux"
	}
	return "Linux " + strings.TrimSpace(string(release))
}

// processor names the model of the processors.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
