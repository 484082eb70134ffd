mod rota;
mod subscriptions;
