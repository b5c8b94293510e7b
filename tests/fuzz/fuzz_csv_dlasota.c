/* fuzz_csv_dlasota.c: any bytes as rows under the header of the merged CSV (and of the two others, by the first
 * byte), so that mutations reach the rows and not only the header. Every row must end up in a message or in a
 * report: lines are counted against the file. */
#define _GNU_SOURCE /* memfd_create */
#include "data/capture_reader.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const headers[] = {
    "TimestampOfReceiveUS,TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,FirstUpdateId,"
    "FinalUpdateId,FinalUpdateIdInLastStream,IsAsk,Price,Quantity,PSUnknownField,TradeId,IsBuyerMarketMaker,"
    "XUnknownParameter,TimestampOfRequest,MessageOutputTime,LastUpdateId,StreamType,Market,IsLast,ServiceId\n",
    "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,FirstUpdateId,FinalUpdateId,"
    "FinalUpdateIdInLastStream,IsAsk,Price,Quantity\n",
    "TimestampOfReceive,Stream,EventType,EventTime,TransactionTime,Symbol,TradeId,Price,Quantity,IsBuyerMarketMaker,"
    "XUnknownParameter\n",
};

static uint64_t count_lines(const uint8_t *data, size_t size)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines + (size > 0 && data[size - 1] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *header = headers[data[0] % 3];
    int fd = memfd_create("csv", MFD_CLOEXEC);
    if (fd < 0 || write(fd, header, strlen(header)) < 0 || write(fd, data + 1, size - 1) < 0) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    char path[48];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    const char *paths[] = {path};
    struct capture_reader *reader;
    struct err_text why = {0};
    err_t err = capture_reader_open(&reader, paths, 1, "dlasota", &why);
    ASSERT(err == ERR_OK);
    uint64_t rows = 0;
    for (;;) {
        struct capture_record record;
        err_clear(&why);
        err = capture_reader_next(reader, &record, &why);
        if (err == ERR_END)
            break;
        ASSERT(err == ERR_OK || ((err == ERR_SYNTAX || err == ERR_RANGE) && why.text[0] != '\0'));
        ASSERT(err != ERR_OK || record.text[0] == '{');
        rows += record.line_count;
    }
    rows += capture_reader_file(reader, 0)->passed_over;
    ASSERT(rows == 1 + count_lines(data + 1, size - 1));
    capture_reader_close(reader);
    close(fd);
    return 0;
}
