/* A layer between a program and its system: it counts instants, kills at one of them, and writes down what
 * happens to files.
 *
 * Loaded into an unchanged program with LD_PRELOAD; proofs/kills/shim.py compiles it and reads what it
 * leaves. Environment:
 *
 *   KILLS_CONTROL  a file of 64-bit numbers, shared with whoever watches (struct control)
 *   KILLS_PORT     the MQTT port: sockets with this port on either end are watched
 *   KILLS_LOG      where changes to files are written down; without it they are not
 *   KILLS_FOLDER   the folder whose files are meant
 *
 * Instants, counted while `armed`:
 *   a commit   of SQLite in WAL mode: before its first write to the log; after its commit frame was
 *              written (sqlite.org/fileformat2, section 4.1: a frame header that names a database size);
 *              after the sync that follows. Of mosquitto: before and after the rename of a new database.
 *   a send     of MQTT packets, before and after; one that holds a PUBACK is counted as that
 *   a PUBACK   received: after the bytes have come, before the program has seen them
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum point {
    COMMIT_BEFORE, COMMIT_WRITTEN, COMMIT_SYNCED,
    SEND_BEFORE, SEND_AFTER, PUBACK_BEFORE, PUBACK_AFTER, PUBACK_RECEIVED,
    POINTS
};

/* What is shared. `armed`, `point` and `index` are set by the watcher, the rest by the program: when it was
 * killed and when the first CONNACK passed (the watcher forgets it), in nanoseconds of CLOCK_MONOTONIC, and
 * how often each point was passed while it was armed. */
struct control {
    int64_t armed, point, index, killed_ns, connack_ns;
    int64_t counts[POINTS];
};

enum operation { CREATE = 1, WRITE, TRUNCATE, SYNC, UNLINK, RENAME };

struct record {
    uint32_t operation, path_bytes;
    uint64_t offset, data_bytes;
};

enum { FDS = 4096, CONNACK = 1 << 2, PUBACK = 1 << 4, WAL_FRAME_HEADER = 24 };

/* Where in its packets the stream of a descriptor is, one way. */
struct framing {
    uint32_t left, shift;
    int in_length;
};

static struct control *control;
static struct framing sent[FDS], received[FDS];
static int log_fd = -1, port;
static char folder[PATH_MAX];
static size_t folder_bytes;
static int in_transaction, commit_frame, unsynced;

/* The function that would have been called without us. */
#define NEXT(name) ({                                                 \
    static __typeof__(&name) next;                                    \
    if (!next)                                                        \
        next = (__typeof__(&name))dlsym(RTLD_NEXT, #name);            \
    next;                                                             \
})

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("KILLS_CONTROL"), *text = getenv("KILLS_PORT");
    if (path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd >= 0) {
            void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
            if (at != MAP_FAILED) control = at;
            close(fd);
        }
        if (!control) { perror("KILLS_CONTROL"); abort(); }
    }
    if (text) port = atoi(text);
    path = getenv("KILLS_LOG");
    text = getenv("KILLS_FOLDER");
    if (path && text && realpath(text, folder)) {
        folder_bytes = strlen(folder);
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (log_fd < 0) { perror("KILLS_LOG"); abort(); }
    }
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void at(enum point point) {
    if (!control || !control->armed) return;
    int64_t count = __atomic_add_fetch(&control->counts[point], 1, __ATOMIC_SEQ_CST);
    if (control->point != point || control->index != count) return;
    control->killed_ns = now_ns();
    for (;;) kill(getpid(), SIGKILL);
}

/* Files */

static int path_of(int fd, char *path) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    if (n <= 0 || path[0] != '/') return 0;
    path[n] = 0;
    return 1;
}

static int ends_with(const char *path, const char *end) {
    size_t n = strlen(path), m = strlen(end);
    return n >= m && !strcmp(path + n - m, end);
}

static int is_logged(const char *path) {
    if (log_fd < 0 || strncmp(path, folder, folder_bytes)) return 0;
    if (path[folder_bytes] && path[folder_bytes] != '/') return 0;
    return !ends_with(path, "-shm");
}

static void note(enum operation operation, const char *path, uint64_t offset, const void *data, size_t n) {
    int kept = errno;
    struct record record = {operation, (uint32_t)strlen(path), offset, n};
    struct iovec parts[] = {
        {&record, sizeof record}, {(void *)path, record.path_bytes}, {(void *)data, n}};
    if (syscall(SYS_writev, log_fd, parts, 3) < 0) abort();
    errno = kept;
}

static int is_wal(int fd, char *path) {
    return (control || log_fd >= 0) && fd > 2 && path_of(fd, path) && ends_with(path, "-wal");
}

static void before_file_write(int fd, const void *data, size_t n) {
    char path[PATH_MAX];
    if (!control || !is_wal(fd, path)) return;
    if (!in_transaction) {
        in_transaction = 1;
        at(COMMIT_BEFORE);
    }
    if (n == WAL_FRAME_HEADER) {
        uint32_t pages;
        memcpy(&pages, (const char *)data + 4, 4);
        commit_frame = pages != 0;
    }
}

static void after_file_write(int fd, const void *data, ssize_t n, uint64_t offset) {
    char path[PATH_MAX];
    if (n <= 0 || fd <= 2 || (!control && log_fd < 0) || !path_of(fd, path)) return;
    if (is_logged(path)) note(WRITE, path, offset, data, (size_t)n);
    if (ends_with(path, "-wal") && n >= 512 && commit_frame) {
        in_transaction = commit_frame = 0;
        unsynced = 1;
        at(COMMIT_WRITTEN);
    }
}

static void after_sync(int fd, int failed) {
    char path[PATH_MAX];
    if (failed || fd <= 2 || (!control && log_fd < 0) || !path_of(fd, path)) return;
    if (is_logged(path)) note(SYNC, path, 0, NULL, 0);
    if (unsynced && ends_with(path, "-wal")) {
        unsynced = 0;
        at(COMMIT_SYNCED);
    }
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset) {
    before_file_write(fd, data, n);
    ssize_t done = NEXT(pwrite)(fd, data, n, offset);
    after_file_write(fd, data, done, (uint64_t)offset);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset) {
    before_file_write(fd, data, n);
    ssize_t done = NEXT(pwrite64)(fd, data, n, offset);
    after_file_write(fd, data, done, (uint64_t)offset);
    return done;
}

int fsync(int fd) {
    int failed = NEXT(fsync)(fd);
    after_sync(fd, failed);
    return failed;
}

int fdatasync(int fd) {
    int failed = NEXT(fdatasync)(fd);
    after_sync(fd, failed);
    return failed;
}

static int truncated(int fd, uint64_t size, int failed) {
    char path[PATH_MAX];
    if (!failed && log_fd >= 0 && path_of(fd, path) && is_logged(path)) note(TRUNCATE, path, size, NULL, 0);
    return failed;
}

int ftruncate(int fd, off_t size) { return truncated(fd, (uint64_t)size, NEXT(ftruncate)(fd, size)); }

int ftruncate64(int fd, off64_t size) { return truncated(fd, (uint64_t)size, NEXT(ftruncate64)(fd, size)); }

static int absolute(const char *path, char *full) {
    char parent[PATH_MAX], real[PATH_MAX];
    if (log_fd < 0 || strlen(path) >= PATH_MAX) return 0;
    strcpy(parent, path);
    char *slash = strrchr(parent, '/');
    const char *name = slash ? slash + 1 : path;
    if (slash) *slash = 0;
    if (!realpath(slash ? (slash == parent ? "/" : parent) : ".", real)) return 0;
    return snprintf(full, PATH_MAX, "%s/%s", real, name) < PATH_MAX && is_logged(full);
}

static int opened(int fd, const char *path, int existed) {
    char full[PATH_MAX];
    if (fd >= 0 && !existed && absolute(path, full)) note(CREATE, full, 0, NULL, 0);
    return fd;
}

static int exists(const char *path, int flags) {
    struct stat status;
    int kept = errno, found = !(flags & O_CREAT) || log_fd < 0 || !stat(path, &status);
    errno = kept;
    return found;
}

#define OPEN(name)                                                  \
    int name(const char *path, int flags, ...) {                    \
        va_list more;                                               \
        va_start(more, flags);                                      \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
        va_end(more);                                               \
        int existed = exists(path, flags);                          \
        return opened(NEXT(name)(path, flags, mode), path, existed); \
    }
OPEN(open)
OPEN(open64)

int unlink(const char *path) {
    char full[PATH_MAX];
    int is_ours = absolute(path, full), failed = NEXT(unlink)(path);
    if (!failed && is_ours) note(UNLINK, full, 0, NULL, 0);
    return failed;
}

int rename(const char *from, const char *to) {
    char old[PATH_MAX], new[PATH_MAX];
    int is_database = ends_with(to, "mosquitto.db");
    int is_ours = absolute(from, old) && absolute(to, new);
    if (is_database) at(COMMIT_BEFORE);
    int failed = NEXT(rename)(from, to);
    if (!failed && is_ours) note(RENAME, old, 0, new, strlen(new));
    if (is_database) at(COMMIT_SYNCED);
    return failed;
}

/* MQTT */

static int is_mqtt(int fd) {
    struct sockaddr_in here, there;
    socklen_t a = sizeof here, b = sizeof there;
    if (!control || !port || fd < 0 || fd >= FDS) return 0;
    int kept = errno;
    int found = !getsockname(fd, (struct sockaddr *)&here, &a) && here.sin_family == AF_INET &&
                !getpeername(fd, (struct sockaddr *)&there, &b) &&
                (ntohs(here.sin_port) == port || ntohs(there.sin_port) == port);
    errno = kept;
    return found;
}

/* The types of packets that begin among these bytes of a stream, as bits (MQTT 5, section 2.1). */
static int types_in(struct framing *f, const unsigned char *data, size_t n) {
    int types = 0;
    for (size_t i = 0; i < n;) {
        if (f->in_length) {
            f->left |= (uint32_t)(data[i] & 127) << f->shift;
            f->shift += 7;
            f->in_length = data[i++] > 127;
        } else if (f->left) {
            size_t taken = f->left < n - i ? f->left : n - i;
            f->left -= (uint32_t)taken;
            i += taken;
        } else {
            types |= 1 << (data[i++] >> 4);
            f->in_length = 1;
            f->shift = 0;
        }
    }
    return types;
}

static void connected(int types) {
    if (types & CONNACK && !control->connack_ns) control->connack_ns = now_ns();
}

static int begin_send(int fd, const void *data, size_t n) {
    struct framing ahead = sent[fd];
    int types = types_in(&ahead, data, n);
    at(types & PUBACK ? PUBACK_BEFORE : SEND_BEFORE);
    return types;
}

static void end_send(int fd, const void *data, ssize_t n, int types) {
    if (n <= 0) return;
    types_in(&sent[fd], data, (size_t)n);
    connected(types);
    at(types & PUBACK ? PUBACK_AFTER : SEND_AFTER);
}

static ssize_t arrived(int fd, const void *data, ssize_t n) {
    if (n > 0) {
        int types = types_in(&received[fd], data, (size_t)n);
        connected(types);
        if (types & PUBACK) at(PUBACK_RECEIVED);
    }
    return n;
}

ssize_t send(int fd, const void *data, size_t n, int flags) {
    if (!is_mqtt(fd)) return NEXT(send)(fd, data, n, flags);
    int types = begin_send(fd, data, n);
    ssize_t done = NEXT(send)(fd, data, n, flags);
    end_send(fd, data, done, types);
    return done;
}

ssize_t recv(int fd, void *data, size_t n, int flags) {
    ssize_t done = NEXT(recv)(fd, data, n, flags);
    return is_mqtt(fd) ? arrived(fd, data, done) : done;
}

ssize_t read(int fd, void *data, size_t n) {
    ssize_t done = NEXT(read)(fd, data, n);
    return is_mqtt(fd) ? arrived(fd, data, done) : done;
}

ssize_t write(int fd, const void *data, size_t n) {
    if (is_mqtt(fd)) {
        int types = begin_send(fd, data, n);
        ssize_t done = NEXT(write)(fd, data, n);
        end_send(fd, data, done, types);
        return done;
    }
    off_t offset = log_fd >= 0 && fd > 2 ? lseek(fd, 0, SEEK_CUR) : 0;
    before_file_write(fd, data, n);
    ssize_t done = NEXT(write)(fd, data, n);
    if (offset >= 0) after_file_write(fd, data, done, (uint64_t)offset);
    return done;
}

int close(int fd) {
    if (fd >= 0 && fd < FDS) sent[fd] = received[fd] = (struct framing){0};
    return NEXT(close)(fd);
}
