// SPDX-License-Identifier: Apache-2.0
// The sender of the bench: 64-byte UDP frames (60 without FCS) of N flows, as fast as one CPU can.
//   udp_blast IFACE NEXT_HOP_MAC SOURCE_IP DESTINATION_IP PORT FLOWS SECONDS
// prints how many it tried to send. Flows differ by source port. And its counterpart
//   udp_blast sink PORT
// holds the port open and never reads, so that the receiver's kernel drops without answering.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, FRAME = 60, FIRST_PORT = 20000, MAX_FLOWS = 40000 };

struct frame {
    struct ether_header ether;
    struct iphdr ip;
    struct udphdr udp;
    char payload[FRAME - 14 - 20 - 8];
} __attribute__((packed));

static void die(const char *what) {
    perror(what);
    exit(1);
}

static unsigned sum16(const void *data, size_t bytes, unsigned sum) {
    for (size_t i = 0; i < bytes; i += 2) {
        unsigned short word;
        memcpy(&word, (const char *)data + i, 2);
        sum += word;
    }
    return sum;
}

static unsigned short fold(unsigned sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)~sum;
}

// The kernel drops what does not fit into its smallest buffer, which is cheap and the same for all.
static _Noreturn void sink(int port) {
    int one = 1, fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at)) die("sink");
    for (;;) pause();
}

static int open_raw(const char *name, unsigned char mac[6]) {
    int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);  // protocol 0: receives nothing
    struct ifreq request = {0};
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request)) die(name);
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one)) die("qdisc bypass");
    if (bind(fd, (struct sockaddr *)&at, sizeof at)) die("bind");
    return fd;
}

static void fill(struct frame *f, const unsigned char own[6], char **args, int flow) {
    unsigned char next[6];
    if (sscanf(args[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", next, next + 1, next + 2, next + 3,
               next + 4, next + 5) != 6)
        die("MAC");
    memcpy(f->ether.ether_dhost, next, 6);
    memcpy(f->ether.ether_shost, own, 6);
    f->ether.ether_type = htons(ETHERTYPE_IP);
    f->ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP,
                           .frag_off = htons(IP_DF), .tot_len = htons(FRAME - sizeof f->ether),
                           .saddr = inet_addr(args[3]), .daddr = inet_addr(args[4])};
    f->ip.check = fold(sum16(&f->ip, sizeof f->ip, 0));
    unsigned length = sizeof f->udp + sizeof f->payload;
    f->udp.source = htons((unsigned short)(FIRST_PORT + flow));
    f->udp.dest = htons((unsigned short)atoi(args[5]));
    f->udp.len = htons((unsigned short)length);
    unsigned sum = sum16(&f->ip.saddr, 8, htons(IPPROTO_UDP) + f->udp.len);
    f->udp.check = fold(sum16(&f->udp, length, sum));
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "sink")) sink(atoi(argv[2]));
    if (argc != 8) return fprintf(stderr, "see the head of udp_blast.c\n"), 2;
    unsigned char own[6];
    int fd = open_raw(argv[1], own), flows = atoi(argv[6]);
    if (flows < 1 || flows > MAX_FLOWS) return fprintf(stderr, "flows: 1 to %d\n", MAX_FLOWS), 2;
    struct frame *frames = calloc((size_t)flows, sizeof *frames);
    struct iovec parts[BATCH];
    struct mmsghdr batch[BATCH] = {0};
    if (!frames) die("calloc");
    for (int i = 0; i < flows; i++) fill(&frames[i], own, argv, i);
    for (int i = 0; i < BATCH; i++) {
        parts[i].iov_len = FRAME;
        batch[i].msg_hdr.msg_iov = &parts[i];
        batch[i].msg_hdr.msg_iovlen = 1;
    }
    unsigned long tried = 0;
    int flow = 0;
    double end = now() + atof(argv[7]);
    while (now() < end) {
        for (int i = 0; i < BATCH; i++) {
            parts[i].iov_base = &frames[flow];
            flow = flow + 1 == flows ? 0 : flow + 1;
        }
        // A frame that did not fit stops the batch with ENOBUFS: it counts as offered and lost.
        int sent = sendmmsg(fd, batch, BATCH, 0);
        tried += sent > 0 ? (unsigned)sent : 1;
    }
    printf("%lu\n", tried);
    return 0;
}
