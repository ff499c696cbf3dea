/* replay_inputs.c - gives kept inputs to a fuzz target without libFuzzer. Each argument is an input or a folder of them. The name is told
 * before the target sees the bytes, so that the last name is the culprit's; the last line counts. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/harness.h"

static size_t replayed;

static void replay_file(const char *path)
{
    size_t length;
    char *text = fuzz_read(path, &length);
    FUZZ_CHECK(text, "%s: cannot be read", path);
    printf("%s\n", path);
    fflush(stdout);
    /* Exactly as many bytes as there are, so that the address sanitizer sees a read after the last one. */
    uint8_t *bytes = malloc(length > 0 ? length : 1);
    FUZZ_CHECK(bytes, "out of memory");
    memcpy(bytes, text, length);
    free(text);
    LLVMFuzzerTestOneInput(bytes, length);
    free(bytes);
    replayed++;
}

static void replay_folder(const char *path)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    FUZZ_CHECK(count >= 0, "%s: cannot be read", path);
    for (int i = 0; i < count; i++) {
        char *name;
        FUZZ_CHECK(asprintf(&name, "%s/%s", path, entries[i]->d_name) > 0, "out of memory");
        if (entries[i]->d_name[0] != '.')
            replay_file(name);
        free(name);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat facts;
        FUZZ_CHECK(stat(argv[i], &facts) == 0, "%s: is not there", argv[i]);
        if (S_ISDIR(facts.st_mode))
            replay_folder(argv[i]);
        else
            replay_file(argv[i]);
    }
    printf("%zu passed, 0 failed\n", replayed);
    return replayed == 0;
}
