#ifdef GL_NBD
#include "nbd/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define HEAD "guestlua-sums 1 "

void gl_sum_text(const uint8_t digest[SHA256_DIGEST_SIZE], char text[GL_SUM_TEXT])
{
  for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
    snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void finish_sha(struct sha256_ctx *sha, char text[GL_SUM_TEXT])
{
  uint8_t digest[SHA256_DIGEST_SIZE];
  sha256_digest(sha, sizeof digest, digest);
  gl_sum_text(digest, text);
}

/* ---- writing ---- */

static void put(gl_sums_writer *w, const char *line)
{
  sha256_update(&w->sha, strlen(line), (const uint8_t *)line);
  if (w->file && fputs(line, w->file) == EOF && !w->error)
    w->error = errno;
}

static void put_sum(gl_sums_writer *w, const gl_sum *sum)
{
  char line[128], text[GL_SUM_TEXT] = "zero";
  if (!sum->zero)
    gl_sum_text(sum->digest, text);
  snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 " %s\n", sum->offset, sum->length, text);
  put(w, line);
}

static void put_head(gl_sums_writer *w, uint64_t size)
{
  char line[64];
  w->error = 0;
  w->last.length = 0;
  sha256_init(&w->sha);
  snprintf(line, sizeof line, HEAD "%" PRIu64 "\n", size);
  put(w, line);
}

bool gl_sums_create(gl_sums_writer *w, const char *path, uint64_t size)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  w->file = fd < 0 ? NULL : fdopen(fd, "w");
  if (!w->file && fd >= 0)
    close(fd);
  if (w->file)
    put_head(w, size);
  return w->file != NULL;
}

static void put_last(gl_sums_writer *w)
{
  if (w->last.length > 0)
    put_sum(w, &w->last);
  w->last.length = 0;
}

void gl_sums_add(gl_sums_writer *w, const gl_sum *sum)
{
  if (sum->zero && w->last.length > 0 && w->last.offset + w->last.length == sum->offset) {
    w->last.length += sum->length;
    return;
  }
  put_last(w);
  if (sum->zero)
    w->last = *sum;
  else
    put_sum(w, sum);
}

bool gl_sums_finish(gl_sums_writer *w, char text[GL_SUM_TEXT])
{
  if (!w->file)
    return true;
  put_last(w);
  finish_sha(&w->sha, text);
  int why = w->error;
  if (!why && (fflush(w->file) != 0 || fsync(fileno(w->file)) != 0))
    why = errno;
  if (fclose(w->file) != 0 && !why)
    why = errno;
  w->file = NULL;
  errno = why;
  return why == 0;
}

/* ---- reading ---- */

static bool fail(gl_sums_reader *r, const gl_sums_list *list, const char *why)
{
  snprintf(r->why, sizeof r->why, "%s: %s", list->path, why);
  return false;
}

/* The next line, or NULL at the end; a line that is longer than any of a list is cut, and no line of a list then. */
static char *get(gl_sums_list *list, char *line, int room)
{
  if (!fgets(line, room, list->file))
    return NULL;
  sha256_update(&list->sha, strlen(line), (const uint8_t *)line);
  return line;
}

static int value_of_digit(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse(const char *line, gl_sum *sum)
{
  char text[GL_SUM_TEXT];
  int read = 0;
  if (sscanf(line, "%" SCNu64 " %" SCNu64 " %64[0-9a-z]%n", &sum->offset, &sum->length, text, &read) != 3 || strcmp(line + read, "\n") != 0)
    return false;
  sum->zero = strcmp(text, "zero") == 0;
  if (sum->zero)
    return true;
  for (int i = 0; i < SHA256_DIGEST_SIZE; i++) {
    int high = value_of_digit(text[2 * i]), low = high < 0 ? -1 : value_of_digit(text[2 * i + 1]);
    if (low < 0)
      return false;
    sum->digest[i] = (uint8_t)(high * 16 + low);
  }
  return text[GL_SUM_TEXT - 1] == '\0' && sum->length <= GL_BLOCK && sum->offset % GL_BLOCK == 0;
}

/* Reads the list's next place into list->now. */
static bool advance(gl_sums_reader *r, gl_sums_list *list)
{
  char line[128], text[GL_SUM_TEXT];
  uint64_t end = list->now.offset + list->now.length;
  if (get(list, line, sizeof line)) {
    if (!parse(line, &list->now) || list->now.offset < end || list->now.length == 0 || list->now.length > r->size ||
        list->now.offset > r->size - list->now.length)
      return fail(r, list, "it is damaged");
    return true;
  }
  list->over = true;
  if (ferror(list->file))
    return fail(r, list, strerror(errno));
  finish_sha(&list->sha, text);
  if (list->sha256 && strcmp(text, list->sha256) != 0)
    return fail(r, list, "it is not what the manifest says");
  return true;
}

static bool open_list(gl_sums_reader *r, gl_sums_list *list)
{
  char line[128];
  uint64_t size;
  int read = 0;
  list->over = false;
  memset(&list->now, 0, sizeof list->now);
  sha256_init(&list->sha);
  int fd = open(list->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  list->file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!list->file) {
    int why = errno;
    if (fd >= 0)
      close(fd);
    return fail(r, list, strerror(why));
  }
  if (!get(list, line, sizeof line) || sscanf(line, HEAD "%" SCNu64 "%n", &size, &read) != 1 || strcmp(line + read, "\n") != 0)
    return fail(r, list, "it is no list of checksums");
  if (list != r->lists && size != r->size)
    return fail(r, list, "it is of a disk of another size");
  r->size = size;
  return advance(r, list);
}

bool gl_sums_open(gl_sums_reader *r, gl_sums_list *lists, int count)
{
  memset(r, 0, sizeof *r);
  r->lists = lists;
  for (; r->count < count;)
    if (!open_list(r, &lists[r->count++])) {
      gl_sums_close(r);
      return false;
    }
  return true;
}

void gl_sums_close(gl_sums_reader *r)
{
  for (int i = 0; i < r->count; i++)
    if (r->lists[i].file)
      fclose(r->lists[i].file);
  r->count = 0;
}

/* The first place from r->at on that any list has: the newest list that has it, or NULL. */
static gl_sums_list *newest(gl_sums_reader *r)
{
  uint64_t first = UINT64_MAX;
  for (int i = 0; i < r->count; i++) {
    gl_sums_list *list = &r->lists[i];
    if (list->over)
      continue;
    if (list->now.offset <= r->at)
      return list;
    first = list->now.offset < first ? list->now.offset : first;
  }
  r->at = first;
  return first == UINT64_MAX ? NULL : newest(r);
}

int gl_sums_next(gl_sums_reader *r, gl_sum *sum)
{
  for (int i = 0; i < r->count; i++)
    while (!r->lists[i].over && r->lists[i].now.offset + r->lists[i].now.length <= r->at)
      if (!advance(r, &r->lists[i]))
        return -1;
  const gl_sums_list *list = newest(r);
  if (!list)
    return 0;
  *sum = list->now;
  uint64_t end = sum->offset + sum->length;
  for (const gl_sums_list *newer = r->lists; newer < list; newer++)
    if (!newer->over && newer->now.offset < end)
      end = newer->now.offset;
  if (!sum->zero && (sum->offset != r->at || end != sum->offset + sum->length)) {
    fail(r, list, "its blocks are not those of the other lists");
    return -1;
  }
  sum->offset = r->at;
  sum->length = end - r->at;
  r->at = end;
  return 1;
}

bool gl_sums_digest(gl_sums_reader *r, gl_sums_list *lists, int count, char text[GL_SUM_TEXT])
{
  gl_sums_writer w = {.file = NULL};
  gl_sum sum;
  int more;
  if (!gl_sums_open(r, lists, count))
    return false;
  put_head(&w, r->size);
  while ((more = gl_sums_next(r, &sum)) > 0)
    gl_sums_add(&w, &sum);
  put_last(&w);
  finish_sha(&w.sha, text);
  gl_sums_close(r);
  return more == 0;
}

#endif
