/*
 * Records in what order a program changes the files of a directory, so that a test can make every disk that a power
 * cut might have left of it.
 *
 * It is loaded before the C library (LD_PRELOAD), stands in the way of every call that changes a file, a name or its
 * safety, and appends what was done under RECORD_DIR to RECORD_LOG: operation, inode, offset or length, path, bytes.
 * All processes of a test append to one log, and so does the test itself, which notes there what it was promised.
 *
 * Nothing is brought to the disk: an fsync is recorded and answered, which is all that the test needs of it, and
 * faster. What copies within the kernel is refused, so that the program falls back to reading and writing. Writes to
 * mapped memory cannot be seen; SQLite makes them to its -shm alone, which is made anew after a power cut.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static const char *directory;
static size_t directory_length;
static int log_file = -1;

/* The C library's own function of a name. */
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("RECORD_LOG");
  directory = getenv("RECORD_DIR");
  if (!path || !directory) return;
  directory_length = strlen(directory);
  log_file = NEXT(open)(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (log_file < 0) abort();
}

static int is_ours(const char *path) {
  return log_file >= 0 && strncmp(path, directory, directory_length) == 0 &&
         (path[directory_length] == '/' || path[directory_length] == 0);
}

/* The path of a descriptor, whether it is one of ours. The name of a removed file has a remark at its end. */
static int path_of(int fd, char *path) {
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = log_file < 0 ? -1 : readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_ours(path);
}

/* The whole path of a name, whether it is one of ours. */
static int whole_path(int at, const char *name, char *path) {
  if (log_file < 0) return 0;
  if (name[0] == '/') {
    snprintf(path, PATH_MAX, "%s", name);
  } else {
    char from[PATH_MAX];
    if (at == AT_FDCWD ? !getcwd(from, sizeof from) : !path_of(at, from)) return 0;
    if (snprintf(path, PATH_MAX, "%s/%s", from, name) >= PATH_MAX) abort();
  }
  return is_ours(path);
}

static void record(char operation, uint64_t inode, uint64_t number, const char *path, const void *bytes, size_t length) {
  struct __attribute__((packed)) {
    char operation;
    uint64_t inode, number;
    uint32_t path_length;
    uint64_t length;
  } header = {operation, inode, number, (uint32_t)strlen(path), length};
  struct iovec parts[] = {{&header, sizeof header}, {(void *)path, header.path_length}, {(void *)bytes, length}};
  int before = errno;
  /* A record with a hole would prove nothing. */
  if (NEXT(writev)(log_file, parts, 3) != (ssize_t)(sizeof header + header.path_length + length)) abort();
  errno = before;
}

static uint64_t inode_of(int fd) {
  struct stat found;
  return fstat(fd, &found) == 0 ? found.st_ino : 0;
}

/* ---- names */

static int open_at(int at, const char *name, int flags, mode_t mode) {
  char path[PATH_MAX];
  if (!(flags & (O_CREAT | O_TRUNC)) || !whole_path(at, name, path)) return NEXT(openat64)(at, name, flags, mode);
  pthread_mutex_lock(&one_at_a_time);
  int was_there = access(path, F_OK) == 0;
  int fd = NEXT(openat64)(at, name, flags, mode);
  if (fd >= 0 && !was_there) record('c', inode_of(fd), 0, path, NULL, 0);
  if (fd >= 0 && was_there && (flags & O_TRUNC)) record('t', inode_of(fd), 0, path, NULL, 0);
  pthread_mutex_unlock(&one_at_a_time);
  return fd;
}

#define MODE(flags)                                  \
  mode_t mode = 0;                                   \
  if ((flags) & (O_CREAT | __O_TMPFILE)) {           \
    va_list arguments;                               \
    va_start(arguments, flags);                      \
    mode = va_arg(arguments, mode_t);                \
    va_end(arguments);                               \
  }
int open(const char *name, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return open_at(AT_FDCWD, name, flags, mode); }
int openat(int at, const char *name, int flags, ...) { MODE(flags) return open_at(at, name, flags, mode); }
int openat64(int at, const char *name, int flags, ...) { MODE(flags) return open_at(at, name, flags, mode); }

/* Does something to the name `path`, and records it with what belongs to it. */
#define NAMED(operation, is_wanted, call, path, more)                               \
  do {                                                                              \
    if (!(is_wanted)) return call;                                                  \
    pthread_mutex_lock(&one_at_a_time);                                             \
    int result = call;                                                              \
    if (result == 0) record(operation, 0, 0, path, more, strlen(more));             \
    pthread_mutex_unlock(&one_at_a_time);                                           \
    return result;                                                                  \
  } while (0)

int mkdir(const char *name, mode_t mode) {
  char path[PATH_MAX];
  NAMED('d', whole_path(AT_FDCWD, name, path), NEXT(mkdir)(name, mode), path, "");
}
int unlinkat(int at, const char *name, int flags) {
  char path[PATH_MAX];
  NAMED('u', whole_path(at, name, path), NEXT(unlinkat)(at, name, flags), path, "");
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int rename(const char *from, const char *to) {
  char path[PATH_MAX], new_path[PATH_MAX];
  int is_wanted = whole_path(AT_FDCWD, from, path) | whole_path(AT_FDCWD, to, new_path);
  NAMED('r', is_wanted, NEXT(rename)(from, to), path, new_path);
}
int linkat(int at, const char *from, int new_at, const char *to, int flags) {
  char path[PATH_MAX], new_path[PATH_MAX];
  int is_wanted = whole_path(at, from, path) | whole_path(new_at, to, new_path);
  NAMED('l', is_wanted, NEXT(linkat)(at, from, new_at, to, flags), path, new_path);
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* ---- bytes */

/* Writes where the file stands, or at `offset` unless that is below 0. */
static ssize_t write_at(int fd, const void *bytes, size_t length, off64_t offset) {
  char path[PATH_MAX];
  int is_wanted = path_of(fd, path);
  if (is_wanted) pthread_mutex_lock(&one_at_a_time);
  off64_t at = offset;
  if (is_wanted && offset < 0) at = lseek64(fd, 0, fcntl(fd, F_GETFL) & O_APPEND ? SEEK_END : SEEK_CUR);
  ssize_t written = offset < 0 ? NEXT(write)(fd, bytes, length) : NEXT(pwrite64)(fd, bytes, length, offset);
  if (is_wanted && written > 0) record('w', inode_of(fd), (uint64_t)at, path, bytes, (size_t)written);
  if (is_wanted) pthread_mutex_unlock(&one_at_a_time);
  return written;
}

ssize_t write(int fd, const void *bytes, size_t length) { return write_at(fd, bytes, length, -1); }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { return write_at(fd, bytes, length, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) { return write_at(fd, bytes, length, at); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return NEXT(writev)(fd, parts, count);
  /* Less than all may be written at any time; who calls it goes on with the rest. */
  for (int i = 0; i < count; i++)
    if (parts[i].iov_len > 0) return write_at(fd, parts[i].iov_base, parts[i].iov_len, -1);
  return 0;
}

int ftruncate64(int fd, off64_t length) {
  char path[PATH_MAX];
  if (!path_of(fd, path)) return NEXT(ftruncate64)(fd, length);
  pthread_mutex_lock(&one_at_a_time);
  int result = NEXT(ftruncate64)(fd, length);
  if (result == 0) record('t', inode_of(fd), (uint64_t)length, path, NULL, 0);
  pthread_mutex_unlock(&one_at_a_time);
  return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

/* Copies within the kernel: refused with what makes a program copy by hand. */
#define REFUSED(fd, call, reason)                \
  char path[PATH_MAX];                           \
  if (!path_of(fd, path)) return call;           \
  errno = reason;                                \
  return -1
ssize_t copy_file_range(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
  REFUSED(out, NEXT(copy_file_range)(in, from, out, to, length, flags), EXDEV);
}
ssize_t sendfile64(int out, int in, off64_t *from, size_t length) {
  REFUSED(out, NEXT(sendfile64)(out, in, from, length), EINVAL);
}
ssize_t splice(int in, off64_t *from, int out, off64_t *to, size_t length, unsigned flags) {
  REFUSED(out, NEXT(splice)(in, from, out, to, length, flags), EINVAL);
}

/* ---- safety */

#define SYNC(name)                                                                          \
  int name(int fd) {                                                                        \
    char path[PATH_MAX];                                                                    \
    if (!path_of(fd, path)) return NEXT(name)(fd);                                          \
    pthread_mutex_lock(&one_at_a_time);                                                     \
    struct stat found;                                                                      \
    int result = fstat(fd, &found);                                                         \
    if (result == 0) record(S_ISDIR(found.st_mode) ? 'D' : 's', found.st_ino, 0, path, NULL, 0); \
    pthread_mutex_unlock(&one_at_a_time);                                                   \
    return result;                                                                          \
  }
SYNC(fsync)
SYNC(fdatasync)
