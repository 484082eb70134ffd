// A server and its client in C++, with cppzmq's zmq.hpp.
//
//     c++ request_reply.cpp $(pkg-config --cflags --libs libzmq) && ./a.out

#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <zmq.hpp>
#include <zmq_addon.hpp>

// Answers until it is told to stop.
static void serve (zmq::socket_t server)
{
    std::string question;
    while (question != "goodbye") {
        zmq::message_t message;
        (void) server.recv (message);
        question = message.to_string ();
        server.send (zmq::buffer (question + ", world"),
                     zmq::send_flags::none);
    }
}

int main ()
{
    zmq::context_t context;
    zmq::socket_t server (context, zmq::socket_type::rep);
    server.bind ("tcp://127.0.0.1:*");
    const std::string endpoint = server.get (zmq::sockopt::last_endpoint);
    std::thread thread (serve, std::move (server));

    zmq::socket_t client (context, zmq::socket_type::req);
    client.connect (endpoint);
    for (const std::string question : {"hello", "how are you", "goodbye"}) {
        client.send (zmq::buffer (question), zmq::send_flags::none);
        std::vector<zmq::message_t> answer;
        (void) zmq::recv_multipart (client, std::back_inserter (answer));
        std::cout << answer.at (0).to_string () << std::endl;
    }
    thread.join ();

    // What the library refuses is an exception here.
    try {
        client.connect ("carrier-pigeon://home");
        return 1;
    }
    catch (const zmq::error_t &error) {
        return error.num () == EPROTONOSUPPORT ? 0 : 1;
    }
}
