/* Remembers of every file below $UNSYNCED_ROOT what was waited for (fsync, fdatasync), in $UNSYNCED_KEPT: what a loss of
 * power would have left. A file's name lasts with its bytes; a new name lasts when its directory is waited for.
 * Preloaded: LD_PRELOAD=unsynced.so. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(const char *from, const char *to) {
    char part[PATH_MAX + 8], buffer[65536];
    ssize_t n;
    snprintf(part, sizeof part, "%s.%d", to, getpid());
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (in >= 0 && out >= 0) {
        while ((n = read(in, buffer, sizeof buffer)) > 0)
            if (write(out, buffer, n) != n) abort();
        rename(part, to);
    }
    if (in >= 0) close(in);
    if (out >= 0) close(out);
}

static void by_path(char *to, const char *path) {
    char given[PATH_MAX];
    const char *kept = getenv("UNSYNCED_KEPT"), *name = strcpy(given, path) + strlen(getenv("UNSYNCED_ROOT")) + 1;
    int n = snprintf(to, PATH_MAX, "%s/path/", kept);
    for (; *name && n < PATH_MAX - 1; name++) to[n++] = *name == '/' ? '|' : *name;
    to[n] = 0;
}

static void by_inode(char *to, ino_t inode) {
    snprintf(to, PATH_MAX, "%s/inode/%lu", getenv("UNSYNCED_KEPT"), (unsigned long)inode);
}

/* Names that are gone, once their directory is waited for. */
static void forget_names(const char *directory) {
    char prefix[PATH_MAX], place[PATH_MAX];
    snprintf(place, sizeof place, "%s/path", getenv("UNSYNCED_KEPT"));
    snprintf(prefix, sizeof prefix, "%s/", directory);
    by_path(prefix, prefix);
    const char *start = strrchr(prefix, '/') + 1;
    DIR *opened = opendir(place);
    struct dirent *entry;
    while (opened && (entry = readdir(opened))) {
        const char *name = entry->d_name + strlen(start);
        char path[PATH_MAX], kept[PATH_MAX];
        if (entry->d_type != DT_REG || strncmp(entry->d_name, start, strlen(start)) || strchr(name, '|')) continue;
        snprintf(path, sizeof path, "%s/%s", directory, name);
        snprintf(kept, sizeof kept, "%s/%s", place, entry->d_name);
        if (access(path, F_OK)) unlink(kept);
    }
    if (opened) closedir(opened);
}

static void keep_names(const char *directory) {
    DIR *opened = opendir(directory);
    struct dirent *entry;
    forget_names(directory);
    while (opened && (entry = readdir(opened))) {
        char from[PATH_MAX], to[PATH_MAX], path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        by_inode(from, entry->d_ino);
        by_path(to, path);
        if (entry->d_type == DT_REG && !access(from, F_OK)) copy(from, to);
    }
    if (opened) closedir(opened);
}

static void keep(int descriptor) {
    char link[64], path[PATH_MAX], to[PATH_MAX];
    const char *root = getenv("UNSYNCED_ROOT");
    struct stat status;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (!root || n < 0 || fstat(descriptor, &status)) return;
    path[n] = 0;
    if (strncmp(path, root, strlen(root))) return;
    if (S_ISDIR(status.st_mode)) {
        keep_names(path);
        return;
    }
    by_inode(to, status.st_ino);
    copy(path, to);
    by_path(to, path);
    copy(path, to);
}

int fsync(int descriptor) { keep(descriptor); return 0; }
int fdatasync(int descriptor) { keep(descriptor); return 0; }
