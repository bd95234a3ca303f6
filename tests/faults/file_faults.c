/* Counts what the C library does to files below a folder, and disturbs the n-th of these operations.
 *
 * It is preloaded (LD_PRELOAD), so Python, HDF5 (C), safetensors (Rust) and the boosters (C++) are seen alike. The
 * state is a file mapped by every process of a trial: they count together, and the program that tries reads it. Each
 * operation is noted in the file STATE.log: number, name, inode of an open file, path. See injection.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OFF, COUNT, KILL, TEAR, FAIL, FULL }; /* FULL: what needs space fails from the n-th operation on */
struct state { long mode, nth, code, count; char root[PATH_MAX]; };
static struct state *now;
static int log_file = -1;

/* Use a state; a process that starts another program hands it on in the environment. */
void faults_use(const char *path) {
    char log[PATH_MAX];
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    now = mmap(NULL, sizeof *now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (now == MAP_FAILED) { now = NULL; return; }
    snprintf(log, sizeof log, "%s.log", path);
    if (log_file >= 0) syscall(SYS_close, log_file);
    log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}
__attribute__((constructor)) static void begin(void) { if (getenv("FAULTS_STATE")) faults_use(getenv("FAULTS_STATE")); }

static void die(void) { kill(0, SIGKILL); for (;;) pause(); } /* the whole group: all processes of the trial */

/* What is to be done with an operation: 0, or KILL, TEAR, or an errno with a minus. */
static int verdict(const char *what, const char *path, unsigned long inode, int space) {
    char line[4 * PATH_MAX + 99];
    long n = __atomic_add_fetch(&now->count, 1, __ATOMIC_SEQ_CST);
    int length = snprintf(line, sizeof line, "%ld %s %lu %s\n", n, what, inode, path);
    if (now->mode == FULL && n >= now->nth) return space ? -(int)now->code : 0;
    if (now->mode >= KILL && n == now->nth) {
        if (now->mode == KILL) die();
        return now->mode == TEAR ? (strcmp(what, "write") ? (die(), 0) : TEAR) : -(int)now->code;
    }
    syscall(SYS_write, log_file, line, length); /* what was killed or failed is not noted: it did not happen */
    return 0;
}
static int below_root(const char *full) { /* or the root itself */
    size_t length = strlen(now->root) - 1;
    return !strncmp(full, now->root, length) && (full[length] == '/' || !full[length]);
}
/* The whole path of a name in an open folder; 0 where it is not known. */
static int whole(char *full, int folder, const char *path) {
    char link[64];
    ssize_t n = 0;
    if (path[0] != '/') {
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        if ((n = readlink(link, full, PATH_MAX - 2)) < 0) return 0;
        full[n++] = '/';
    }
    snprintf(full + n, 2 * PATH_MAX - n, "%s", path);
    return 1;
}
static int of_path(const char *what, int folder, const char *path, int space) {
    char full[2 * PATH_MAX];
    if (!now || now->mode == OFF || !path || !whole(full, folder, path)) return 0;
    return below_root(full) ? verdict(what, full, 0, space) : 0;
}
/* The new name of a file, noted with its old name; a file that it replaces is kept, for a power cut takes names back. */
static int of_rename(int d, const char *a, int e, const char *b) {
    char full[4 * PATH_MAX + 1], kept[PATH_MAX + 64];
    struct stat found;
    if (!now || now->mode == OFF || !whole(full, e, b) || !below_root(full)) return 0;
    if (now->mode == KILL && !fstatat(d, a, &found, AT_SYMLINK_NOFOLLOW)) {
        snprintf(kept, sizeof kept, "%s.kept/%lu", getenv("FAULTS_STATE"), (unsigned long)found.st_ino);
        syscall(SYS_linkat, e, b, AT_FDCWD, kept, 0);
    }
    strcat(full, "\t");
    return whole(full + strlen(full), d, a) ? verdict("rename", full, 0, 0) : 0;
}
static int of_file(const char *what, int fd, int space) {
    char full[PATH_MAX], link[64];
    struct stat found;
    ssize_t n;
    if (!now || now->mode == OFF) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if ((n = readlink(link, full, sizeof full - 1)) < 0) return 0;
    full[n] = 0;
    if (!below_root(full)) return 0;
    return verdict(what, full, fstat(fd, &found) ? 0 : found.st_ino, space);
}

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define ASK(question, failed) int v = question; if (v < 0) { errno = -v; return failed; }
#define MODE mode_t m = 0; if (flags & (O_CREAT | O_TMPFILE)) { va_list a; va_start(a, flags); m = va_arg(a, mode_t); va_end(a); }
#define WRITES(flags) ((flags) & (O_CREAT | O_TRUNC | O_WRONLY | O_RDWR))

#define OPEN(name) int name(const char *p, int flags, ...) { REAL(name); MODE \
    if (WRITES(flags)) { ASK(of_path("open", AT_FDCWD, p, flags & O_CREAT), -1) } return real(p, flags, m); }
OPEN(open) OPEN(open64)
#define OPENAT(name) int name(int d, const char *p, int flags, ...) { REAL(name); MODE \
    if (WRITES(flags)) { ASK(of_path("open", d, p, flags & O_CREAT), -1) } return real(d, p, flags, m); }
OPENAT(openat) OPENAT(openat64)
#define FOPEN(name) FILE *name(const char *p, const char *mode) { REAL(name); \
    if (strpbrk(mode, "wa+")) { ASK(of_path("open", AT_FDCWD, p, 1), NULL) } return real(p, mode); }
FOPEN(fopen) FOPEN(fopen64)

#define WRITE(name, half, ...) { REAL(name); ASK(of_file("write", fd, 1), -1) \
    if (v == TEAR) { half; die(); } return real(__VA_ARGS__); }
ssize_t write(int fd, const void *b, size_t n) WRITE(write, real(fd, b, n / 2), fd, b, n)
ssize_t pwrite(int fd, const void *b, size_t n, off_t o) WRITE(pwrite, real(fd, b, n / 2, o), fd, b, n, o)
ssize_t pwrite64(int fd, const void *b, size_t n, off64_t o) WRITE(pwrite64, real(fd, b, n / 2, o), fd, b, n, o)
ssize_t writev(int fd, const struct iovec *b, int n) WRITE(writev, real(fd, b, n / 2), fd, b, n)
ssize_t sendfile(int fd, int in, off_t *o, size_t n) WRITE(sendfile, real(fd, in, o, n / 2), fd, in, o, n)
ssize_t sendfile64(int fd, int in, off64_t *o, size_t n) WRITE(sendfile64, real(fd, in, o, n / 2), fd, in, o, n)
ssize_t copy_file_range(int in, off64_t *i, int fd, off64_t *o, size_t n, unsigned f)
    WRITE(copy_file_range, real(in, i, fd, o, n / 2, f), in, i, fd, o, n, f)
size_t fwrite(const void *b, size_t size, size_t n, FILE *f) { REAL(fwrite); ASK(of_file("write", fileno(f), 1), 0)
    if (v == TEAR) { real(b, size, n / 2, f); fflush(f); die(); } return real(b, size, n, f); }

#define PATH_CALL(name, what, space, folder, path, parameters, ...) \
    int name parameters { REAL(name); ASK(of_path(what, folder, path, space), -1) return real(__VA_ARGS__); }
#define FILE_CALL(name, what, space, parameters, ...) \
    int name parameters { REAL(name); ASK(of_file(what, fd, space), -1) return real(__VA_ARGS__); }
#define RENAME(name, d, e, parameters, ...) \
    int name parameters { REAL(name); ASK(of_rename(d, a, e, b), -1) return real(__VA_ARGS__); }
RENAME(rename, AT_FDCWD, AT_FDCWD, (const char *a, const char *b), a, b)
RENAME(renameat, d, e, (int d, const char *a, int e, const char *b), d, a, e, b)
RENAME(renameat2, d, e, (int d, const char *a, int e, const char *b, unsigned f), d, a, e, b, f)
PATH_CALL(link, "link", 1, AT_FDCWD, b, (const char *a, const char *b), a, b)
PATH_CALL(linkat, "link", 1, e, b, (int d, const char *a, int e, const char *b, int f), d, a, e, b, f)
PATH_CALL(symlink, "symlink", 1, AT_FDCWD, p, (const char *t, const char *p), t, p)
PATH_CALL(symlinkat, "symlink", 1, d, p, (const char *t, int d, const char *p), t, d, p)
PATH_CALL(unlink, "unlink", 0, AT_FDCWD, p, (const char *p), p)
PATH_CALL(unlinkat, "unlink", 0, d, p, (int d, const char *p, int f), d, p, f)
PATH_CALL(mkdir, "mkdir", 1, AT_FDCWD, p, (const char *p, mode_t m), p, m)
PATH_CALL(mkdirat, "mkdir", 1, d, p, (int d, const char *p, mode_t m), d, p, m)
PATH_CALL(rmdir, "rmdir", 0, AT_FDCWD, p, (const char *p), p)
PATH_CALL(truncate, "truncate", 0, AT_FDCWD, p, (const char *p, off_t n), p, n)
FILE_CALL(ftruncate, "truncate", 0, (int fd, off_t n), fd, n)
FILE_CALL(ftruncate64, "truncate", 0, (int fd, off64_t n), fd, n)
FILE_CALL(fsync, "fsync", 0, (int fd), fd)
FILE_CALL(fdatasync, "fsync", 0, (int fd), fd)
