/* test_decompress.c - what is packed is read like the file that was packed, and a packed file with a wrong bit or without its end is an error,
 * never another text. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/gzip_check.h"
#include "base/text_file.h"
#include "support/allocations.h"
#include "support/temp_file.h"

/* "a,b\n1,2\n" and forty times "3,4\n", by the usual tools; zstd with its checksum. The tars, in gzip, hold a folder and d/t.csv; the first
 * also macOS's d/._t.csv, the second README. */
static const char packed_gzip[] = "\037\213\010\000\000\000\000\000\002\003K\324I\3422\3241\3422\3261\031\324\030\000\0164\021\314\250\000"
                                  "\000\000";
static const char packed_bzip2[] =
    "BZh91AY&SYP\371l\021\000\000SY\000\000\020\000\004<\0000\000 \000 \250\250\314\2040#y\202;\20276\210\242-"
    "\360\273\222)\302\204\202\207\313`\210";
static const char packed_xz[] = "\3757zXZ\000\000\004\346\326\264F\002\000!\001\026\000\000\000t/\345\243\340\000\247\000\022]\0000\213"
                                "\010@\246t\322\255\010\025\351y\317G\036\373\000\000\000\000\000\015\261f\3343D\317r\000\001.\250\001\000"
                                "\000\000\251\003\030\006\261\304g\373\002\000\000\000\000\004YZ";
static const char packed_zstd[] = "(\265/\375$\250\225\000\000Xa,b\0121,2\0123,4\001\000\232)\347\005\301E\022\272";
static const char packed_tar[] = "\037\213\010\000\000\000\000\000\002\003\355\324M\012\3020\020\206\341Y\367\024=@h\232v&=\216Ts\002\373"
                                 "\203\3077\270\014\212\253T\241\357\003\303d\227\305\3077\311Ku}\026U_;+\367\233w\014\321\24459\300\266"
                                 "\254\363=\177)\347\224|wY\273\333\262\3774\377P\344\?\215\246\322\366\344_\335Cpf\311\327n\377\367\376"
                                 "\017V\336\377)\250\321\377#\314\356\332\00474\243\323\277\036\232\012\000\000\000\000\000\000\000\000\000"
                                 "\000\300gO\342\321\332\200\000(\000\000";
static const char packed_tar_of_two[] =
    "\037\213\010\000\000\000\000\000\002\003\355\324\261\016\2020\020\306\361\233y\012\037\240\201\266\266u6"
    "\221\221\3057@ a 1\021\364\371m\034\033\326\202\306\377/\271\334m7|\271\353+\311NG\301\271O\217\322\2762"
    "\007\023\274\034\274l\3409/\355#\256\224\377\324WK\331\315\257]\363\267>\315\377d\\\314_\223\177v\255\272"
    "\025F\331\342\250\334W\227 \213k}\2764\365\336\377\337\247\377\?X\315\375oa\034\246\351\316\031\000\000"
    "\000\000\000\000\000\000\000\000\000\360\323\3364\025\030\305\000(\000\000";
static const char packed_tar_of_none[] =
    "\037\213\010\000\000\000\000\000\002\003\355\315\313\011\200@\020D\301\011\305\014T\330\335|\004#\360\223"
    "\277\303\036\305\253\202Puy}\353u\214\327M\251\225\322\233\356}\330mn5\206\032\0378\367c\331\3622\000\000"
    "\000\000\000\000\000\000\000\340\?.&\313a\003\000(\000\000";

static const struct {
    const char *name, *bytes;
    size_t length, magic; /* bits of the magic decide whether it is packed at all */
} packed[] = {
    {"gzip", packed_gzip, sizeof packed_gzip - 1, 3}, {"bzip2", packed_bzip2, sizeof packed_bzip2 - 1, 3},
    {"xz", packed_xz, sizeof packed_xz - 1, 6},       {"zstd", packed_zstd, sizeof packed_zstd - 1, 4},
    {"tar", packed_tar, sizeof packed_tar - 1, 3},
};
enum { PACKED = sizeof packed / sizeof *packed, TEXT_LENGTH = 168 };

static const char *plain_text(void)
{
    static char text[TEXT_LENGTH + 1] = "a,b\n1,2\n";
    for (size_t i = 8; i < TEXT_LENGTH; i++)
        text[i] = "3,4\n"[i % 4];
    return text;
}

static enum status read_bytes(const char *bytes, size_t length, struct text_file *file, struct diag *diag)
{
    struct temp_file made = temp_file_make(bytes, length);
    *diag = (struct diag){0};
    enum status status = text_file_open(made.path, file, diag);
    temp_file_remove(&made);
    return status;
}

static bool is_plain_text(const struct text_file *file)
{
    return file->length == TEXT_LENGTH && memcmp(file->text, plain_text(), TEXT_LENGTH) == 0;
}

Test(decompress, every_kind_is_known_by_its_content_from_files_and_pipes)
{
    for (size_t i = 0; i < PACKED; i++) {
        struct text_file file;
        struct diag diag;
        cr_assert_eq(read_bytes(packed[i].bytes, packed[i].length, &file, &diag), SIM_OK, "%s: %s", packed[i].name, diag.text);
        cr_expect(is_plain_text(&file), "%s", packed[i].name);
        text_file_close(&file);
        int ends[2];
        char path[64];
        cr_assert_eq(pipe(ends), 0);
        cr_assert_eq(write(ends[1], packed[i].bytes, packed[i].length), (ssize_t)packed[i].length);
        close(ends[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
        cr_assert_eq(text_file_open(path, &file, &diag), SIM_OK, "%s: %s", packed[i].name, diag.text);
        cr_expect(is_plain_text(&file), "%s from a pipe", packed[i].name);
        text_file_close(&file);
        close(ends[0]);
    }
}

Test(decompress, two_gzip_members_are_one_text)
{
    static char twice[sizeof packed_gzip + sizeof packed_gzip];
    const size_t length = sizeof packed_gzip - 1;
    struct text_file file;
    struct diag diag;
    memcpy(twice, packed_gzip, length);
    memcpy(twice + length, packed_gzip, length);
    cr_assert_eq(read_bytes(twice, 2 * length, &file, &diag), SIM_OK, "%s", diag.text);
    cr_expect_eq(file.length, (size_t)2 * TEXT_LENGTH);
    text_file_close(&file);
}

/* A stored block of deflate shows what it holds: here a gzip file, whose last byte, of its length, is right or wrong. */
Test(decompress, gzip_in_gzip_is_checked_in_both)
{
    enum { HEAD = 10, BLOCK = 5, TAIL = 8, INNER = sizeof packed_gzip - 1, OUTER = HEAD + BLOCK + INNER + TAIL };
    for (int wrong = 0; wrong <= 1; wrong++) {
        uint8_t outer[OUTER] = {0x1f, 0x8b, 8, [9] = 255, [HEAD] = 1, INNER & 255, INNER >> 8, ~INNER & 255, ~INNER >> 8 & 255};
        struct gzip_check *check = malloc(sizeof *check);
        struct text_file file;
        struct diag diag;
        cr_assert(check);
        gzip_check_init(check);
        memcpy(outer + HEAD + BLOCK, packed_gzip, INNER);
        outer[HEAD + BLOCK + INNER - 1] ^= (uint8_t)wrong;
        gzip_check_text(check, outer + HEAD + BLOCK, INNER);
        for (int byte = 0; byte < 4; byte++) {
            outer[OUTER - TAIL + byte] = (uint8_t)(~check->crc >> 8 * byte);
            outer[OUTER - TAIL + 4 + byte] = (uint8_t)((uint32_t)INNER >> 8 * byte);
        }
        free(check);
        const enum status status = read_bytes((const char *)outer, OUTER, &file, &diag);
        cr_assert_eq(status, wrong ? SIM_BAD_INPUT : SIM_OK, "%s", diag.text);
        if (wrong)
            continue;
        cr_expect(is_plain_text(&file));
        text_file_close(&file);
    }
}

Test(decompress, no_wrong_bit_and_no_missing_end_gives_another_text)
{
    for (size_t i = 0; i < PACKED; i++) {
        char *bytes = malloc(packed[i].length);
        size_t refused = 0;
        cr_assert(bytes);
        for (size_t bit = 8 * packed[i].magic; bit < 8 * packed[i].length; bit++) {
            struct text_file file;
            struct diag diag;
            memcpy(bytes, packed[i].bytes, packed[i].length);
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
            if (read_bytes(bytes, packed[i].length, &file, &diag) == SIM_OK) {
                cr_expect(is_plain_text(&file), "%s, bit %zu", packed[i].name, bit);
                text_file_close(&file);
            } else {
                refused++;
                cr_expect(diag.status == SIM_BAD_INPUT && strstr(diag.text, "damaged"), "%s, bit %zu: %s", packed[i].name, bit, diag.text);
            }
        }
        /* Of most kinds nearly all bits count; gzip's header has a time and a system that say nothing of the text. */
        cr_expect_gt(refused, 4 * packed[i].length, "%s: %zu", packed[i].name, refused);
        for (size_t length = packed[i].magic; length < packed[i].length; length++) {
            struct text_file file;
            struct diag diag;
            cr_expect_eq(read_bytes(packed[i].bytes, length, &file, &diag), SIM_BAD_INPUT, "%s, %zu bytes", packed[i].name, length);
            cr_expect(strstr(diag.text, "damaged or cut short"), "%s, %zu bytes: %s", packed[i].name, length, diag.text);
        }
        free(bytes);
    }
}

Test(decompress, a_tar_holds_exactly_one_file)
{
    struct text_file file;
    struct diag diag;
    cr_assert_eq(read_bytes(packed_tar_of_two, sizeof packed_tar_of_two - 1, &file, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "2 files are in the tar: d/t.csv, README; there should be one"), "%s", diag.text);
    cr_assert_eq(read_bytes(packed_tar_of_none, sizeof packed_tar_of_none - 1, &file, &diag), SIM_BAD_INPUT);
    cr_expect(strstr(diag.text, "0 files are in the tar; there should be one"), "%s", diag.text);
}

Test(decompress, every_failed_allocation_is_told)
{
    for (size_t i = 0; i < PACKED; i++)
        for (uint64_t k = 1;; k++) {
            struct text_file file;
            struct diag diag = {0};
            struct temp_file made = temp_file_make(packed[i].bytes, packed[i].length);
            allocations_fail_after(k);
            const enum status status = text_file_open(made.path, &file, &diag);
            allocations_fail_after(0);
            temp_file_remove(&made);
            if (status == SIM_OK) {
                text_file_close(&file);
                break;
            }
            cr_expect(status == SIM_FAILED && k < 20, "%s, allocation %zu: %s", packed[i].name, (size_t)k, diag.text);
        }
}

/* The check value of CRC-32: of "123456789". Fed in any pieces, it is the same. */
Test(decompress, the_checksum_is_that_of_rfc_1952_however_it_is_fed)
{
    static const char digits[] = "123456789";
    static const unsigned char member[] = {0x1f, 0x8b, 8, 0, 0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0};
    for (size_t cut = 0; cut <= 9; cut++) {
        struct gzip_check *check = malloc(sizeof *check);
        cr_assert(check);
        gzip_check_init(check);
        gzip_check_text(check, digits, cut);
        gzip_check_text(check, digits + cut, 9 - cut);
        gzip_check_compressed(check, member, cut);
        gzip_check_compressed(check, member + cut, sizeof member - cut);
        cr_expect(gzip_check_passes(check), "cut at %zu", cut);
        gzip_check_text(check, "", 1);
        cr_expect_not(gzip_check_passes(check));
        free(check);
    }
}
