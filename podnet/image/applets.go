package image

import "context"

// applets are busybox's commands by name, where Alpine has them.
var applets map[string]command

// init, not a literal: commands that run commands would make the variable
// refer to itself.
func init() {
	const bin, usrBin, sbin = "/bin", "/usr/bin", "/sbin"
	applets = map[string]command{
		"[":         {testCmd, usrBin, "[ EXPRESSION ]", false},
		"ash":       {sh, bin, "ash [-enuxfC] [-c 'SCRIPT' [ARG0 ARGS] | FILE [ARGS] | -s [ARGS]]", true},
		"base64":    {base64Cmd, bin, "base64 [-d] [-w COL] [FILE]", false},
		"basename":  {basename, usrBin, "basename FILE [SUFFIX]", false},
		"cat":       {cat, bin, "cat [-n] [FILE]...", false},
		"chmod":     {chmod, bin, "chmod [-R] MODE FILE...", false},
		"cp":        {cp, bin, "cp [-arRf] SOURCE... DEST", false},
		"cut":       {cut, usrBin, "cut {-b|c LIST | -f LIST [-d SEP] [-s]} [FILE]...", false},
		"date":      {date, bin, "date [-u] [-d TIME] [-r FILE] [-R] [-I[SPEC]] [+FMT]", false},
		"dirname":   {dirname, usrBin, "dirname FILENAME", false},
		"echo":      {echo, bin, "echo [-neE] [ARG]...", false},
		"env":       {env, usrBin, "env [-i] [-u NAME]... [NAME=VALUE]... [PROG ARGS]", true},
		"false":     {func(context.Context, *proc) int { return 1 }, bin, "false", false},
		"find":      {find, usrBin, "find [PATH]... [-name PATTERN] [-type f|d|l] [-maxdepth N]", false},
		"grep":      {grep, bin, "grep [-HhnlLoqvsriwFEx] [-m N] { PATTERN | -e PATTERN... } [FILE]...", false},
		"head":      {head, usrBin, "head [-qv] [-n N] [-c N] [FILE]...", false},
		"hostname":  {hostname, bin, "hostname [-sifd]", false},
		"id":        {id, usrBin, "id [-ugnr]", false},
		"ifconfig":  {ifconfig, sbin, "ifconfig [-a] [IFACE]", false},
		"ip":        {ip, sbin, "ip [-4|-6] address|route|link [show] [dev IFACE]", false},
		"kill":      {kill, bin, "kill [-l] [-SIG] PID...", false},
		"ln":        {ln, bin, "ln [-sfn] TARGET... LINK|DIR", false},
		"ls":        {ls, bin, "ls [-1AadlRFhrStnp] [FILE]...", false},
		"md5sum":    {md5sum, usrBin, "md5sum [FILE]...", false},
		"mkdir":     {mkdir, bin, "mkdir [-p] [-m MODE] DIRECTORY...", false},
		"mv":        {mv, bin, "mv [-f] SOURCE... DEST", false},
		"nc":        {nc, usrBin, "nc [-lnuvz] [-w SEC] [-p PORT] [IPADDR PORT] [-e PROG]", false},
		"netstat":   {netstat, bin, "netstat [-ltunap]", false},
		"nslookup":  {nslookup, usrBin, "nslookup HOST", false},
		"pgrep":     {pgrep, usrBin, "pgrep [-flx] PATTERN", false},
		"pidof":     {pidof, bin, "pidof NAME...", false},
		"ping":      {ping, bin, "ping [-46q] [-c N] [-i SECS] [-s SIZE] [-W SECS] [-w SECS] HOST", false},
		"printenv":  {printenv, bin, "printenv [VARIABLE]...", false},
		"printf":    {printf, usrBin, "printf FORMAT [ARG]...", false},
		"ps":        {ps, bin, "ps", false},
		"pwd":       {pwd, bin, "pwd", false},
		"readlink":  {readlink, usrBin, "readlink [-fn] FILE", false},
		"rm":        {rm, bin, "rm [-rf] FILE...", false},
		"rmdir":     {rmdir, bin, "rmdir [-p] DIRECTORY...", false},
		"seq":       {seq, usrBin, "seq [-w] [-s SEP] [FIRST [INC]] LAST", false},
		"sh":        {sh, bin, "sh [-enuxfC] [-c 'SCRIPT' [ARG0 ARGS] | FILE [ARGS] | -s [ARGS]]", true},
		"sha256sum": {sha256sum, usrBin, "sha256sum [FILE]...", false},
		"sleep":     {sleep, bin, "sleep [N]...", false},
		"sort":      {sortCmd, usrBin, "sort [-nru] [-k N] [-t SEP] [FILE]...", false},
		"stat":      {statCmd, bin, "stat -c FMT FILE...", false},
		"tail":      {tail, usrBin, "tail [-fF] [-qv] [-n [+]N] [-c [+]N] [FILE]...", false},
		"tee":       {tee, usrBin, "tee [-ai] [FILE]...", false},
		"test":      {testCmd, usrBin, "test EXPRESSION", false},
		"timeout":   {timeout, usrBin, "timeout [-s SIG] [-k KILL_SECS] SECS PROG ARGS", false},
		"touch":     {touch, bin, "touch [-c] FILE...", false},
		"tr":        {tr, usrBin, "tr [-cds] STRING1 [STRING2]", false},
		"true":      {func(context.Context, *proc) int { return 0 }, bin, "true", false},
		"uname":     {uname, bin, "uname [-amnrsv]", false},
		"uniq":      {uniq, usrBin, "uniq [-cdui] [INPUT [OUTPUT]]", false},
		"wc":        {wc, usrBin, "wc [-cmlw] [FILE]...", false},
		"wget":      {wget, usrBin, "wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] [--header STR]\n\t[--post-data STR] [-Y on/off] [-P DIR] [-U AGENT] [-T SEC] URL...", false},
		"which":     {which, usrBin, "which [-a] COMMAND...", false},
		"whoami":    {whoami, usrBin, "whoami", false},
		"xargs":     {xargs, usrBin, "xargs [-r0t] [-n N] [-I REPL] [PROG ARGS]", false},
		"yes":       {yes, usrBin, "yes [STRING]", false},
	}
}
